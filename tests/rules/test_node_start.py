"""Rules for what a Node container starts."""

import pytest
from rules.asking import FROM, findings


@pytest.mark.parametrize(
    ("start", "fires"),
    [
        ('CMD ["npm", "start"]', True),
        ("CMD npm run start", True),
        ('ENTRYPOINT ["npm", "start"]', True),
        ('ENTRYPOINT ["dumb-init", "--"]\nCMD ["npm", "start"]', False),
        ('CMD ["npm", "start"]\nCMD ["node", "x.js"]', False),
        ('CMD ["npm", "ci"]', False),
    ],
)
def test_what_process_1_is(start: str, fires: bool) -> None:
    assert bool(findings("npm-start-as-pid1", f"{FROM}{start}\n")) is fires


@pytest.mark.parametrize("name", ["npm", "pnpm", "yarn"])
def test_process_1_is_named(name: str) -> None:
    (finding,) = findings("npm-start-as-pid1", f'{FROM}CMD ["{name}", "start"]\n')
    assert finding.message.startswith(f"{name} is process 1")


@pytest.mark.parametrize(
    ("start", "runner", "server"),
    [
        ('CMD ["nodemon", "x.js"]', True, False),
        ('CMD ["sh", "-c", "npx nodemon x.js"]', True, False),
        ('CMD ["pnpm", "exec", "ts-node", "x.ts"]', True, False),
        ('CMD ["node", "--watch", "x.js"]', True, False),
        ('CMD ["node", "-r", "ts-node/register", "x.ts"]', True, False),
        ("CMD next dev", True, False),
        ("CMD exec ./node_modules/.bin/vite --host", True, False),
        ("CMD yarn start:dev", True, False),
        ("CMD vite preview", False, True),
        ("CMD npx -y serve -s build", False, True),
        ('ENTRYPOINT ["http-server"]\nCMD ["dist"]', False, True),
        ("CMD node nodemon.js", False, False),
        ("CMD next start", False, False),
        ("CMD yarn deploy", False, False),
        ("CMD []", False, False),
        ("CMD 'unbalanced", False, False),
    ],
)
def test_what_a_container_starts(start: str, runner: bool, server: bool) -> None:
    assert bool(findings("dev-runner-in-cmd", f"{FROM}{start}\n")) is runner
    assert bool(findings("static-frontend-on-node-image", f"{FROM}{start}\n")) is server


def test_files_served_on_another_base_are_another_matter() -> None:
    assert findings("static-frontend-on-node-image", 'FROM debian:13\nCMD ["serve", "-s"]\n') == []
