console.log('migrated', process.env.GREETING);
