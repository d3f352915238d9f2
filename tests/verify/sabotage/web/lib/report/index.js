module.exports = () => ({ rows: [1, 2, 3] });
