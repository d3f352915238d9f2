"""Several runs of two versions become one record each; what differs by itself does not count."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from verify.conftest import RUN

from imageopt.verify.behaviour import compare_runs
from imageopt.verify.exchange import Ask, Exchange
from imageopt.verify.merge import finish
from imageopt.verify.model import Check, NotDone, RunRecord
from imageopt.verify.rounds import alone, run_against, run_baseline, run_both
from imageopt.verify.run import OUTPUT, Observed, RunPlan

PLAN = RunPlan(3000, (Ask("/"),), 5)


def answer(body: str, path: str = "/", status: int = 200, **headers: str) -> Exchange:
    return Exchange("GET", path, status, "text/html", "", body.encode(), headers)


def seen(*answers: Exchange, **record: Any) -> Observed:
    return Observed(replace(RUN, **record), answers)


def streamed(*pieces: str) -> Exchange:
    """A page of Next, as React made it piece by piece."""
    scripts = (f'<script>self.__next_f.push([1,"{piece}"])</script>' for piece in pieces)
    return answer(f"<p>hi</p><script>(self.__next_f=self.__next_f||[]).push([0])</script>{''.join(scripts)}")


OLD, NEW = "Xk3vB9_qLm2-Zt7wRp0aY", "pQ8nH4sJc-1uVe6_gDf5K"


def built(build: str, manifest: str, *more: Exchange) -> Observed:
    """A build of Next: its name is in its pages, and in the paths of what they load."""
    page = answer(f'{{"buildId":"{build}"}}<script src="/s/{build}/m.js">')
    return seen(page, *more, answer(manifest, f"/s/{build}/m.js"))


def stamped(stamp: str, start: str, app: str, *more: Exchange, text: str = "hi", code: str = "run()") -> Observed:
    """A build of SvelteKit: a name made of its time is in a chunk, and so all that loads it is called otherwise."""
    load = f'import("/start.{start}.js"),import("/{app}.js")'
    page = answer(f"<p>{text}<script>__sveltekit_{stamp}={{}};{load}</script>")
    chunk = answer(f"globalThis.__sveltekit_{stamp};{code}", f"/{app}.js")
    return seen(page, answer(f'import"./{app}.js"', f"/start.{start}.js"), chunk, answer("x", "/CDcdef01.js"), *more)


def island(checksum: str, name: str, props: str = "{}") -> Observed:
    """A page of Astro: an island's tag has a checksum of the rest of it."""
    page = answer(f'<astro-island uid="{checksum}" component-url="/{name}.js" props="{props}">')
    return seen(page, answer("x", f"/{name}.js"))


def manifest(own: str, *chunks: str) -> Observed:
    """A build of React Router: the hash of its manifest stands alone, too."""
    page = answer(f'<script>{{"url":"/manifest-{own}.js","version":"{own}"}}</script>')
    files = [answer(text, f"/c-{name}.js") for name, text in zip(chunks, "xy", strict=True)]
    return seen(page, answer(f"{own} {chunks}", f"/manifest-{own}.js"), *files)


STAMPED = stamped("1uwqi7v", "3oU6SF4N", "8W-_GYQZ", answer("y", "/DuX2ddWE.js"))
MOVED = answer("y", "/CE61oqcu.js")


def changes(before: list[Observed], after: list[Observed]) -> list[str]:
    return [f"{change.what}: {change.reason}" for change in compare_runs(*finish(before, after))[0]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([seen(answer("id 1")), seen(answer("id 2"))], [seen(answer("id 3"))]),
        ([seen(answer("a")), seen(answer("a", status=500))], [seen(answer("b", status=500))]),
        ([seen(answer("hits 7"))], [seen(answer("hits 7")), seen(answer("hits 8"))]),  # by chance the same here
        ([seen(answer("a")), seen(unanswered=("/",))], [seen(answer("a")), seen(unanswered=("/",))]),
        ([seen(answer("a", vary="1")), seen(answer("a", vary="2"))], [seen(answer("a", vary="3"))]),
        ([seen(log_problems=("EACCES",)), seen()], [seen(log_problems=("EACCES",))]),
        ([seen(written_paths=("/a/1",)), seen(written_paths=("/b/1",))], [seen()]),
        ([seen(checks=(Check("x", True, "", ""),)), seen(checks=(Check("x", False, "", ""),))], [seen(checks=(Check("x", False, "", ""),))]),
        ([seen(checks=(Check("p", True, "", "", lasting=True),)), seen()], [seen()]),
        (
            [seen(answer('<a href="/a-1b2c3d4e.js">'), answer("x", "/a-1b2c3d4e.js"))],
            [seen(answer('<a href="/a-99999999.js">'), answer("", "/a-1b2c3d4e.js", 404), answer("x", "/a-99999999.js"))],
        ),
        ([built(OLD, "x")], [built(NEW, "x", answer("", f"/s/{OLD}/m.js", 404))]),
        ([STAMPED], [stamped("k2x01b", "CqGIXJr6", "CB2IJ7a4", MOVED, answer("", "/8W-_GYQZ.js", 404))]),
        ([island("MP7Cn", "Counter.Btjck0UT")], [island("Z9rne0", "Counter.Dp7nliTC")]),
        ([manifest("36a9723f", "AAAAAA01", "BBBBBB01")], [manifest("c4cf48e0", "CCCCCC02", "AAAAAA02")]),
        ([seen(streamed("0:a", "b", "1:c"))], [seen(streamed("0:ab1:c")), seen(streamed("0:a", "b1:c"))]),
    ],
)  # fmt: skip
def test_what_differs_between_two_runs_of_the_baseline_never_counts(
    before: list[Observed], after: list[Observed]
) -> None:
    assert changes(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([seen(answer("a"))], [seen(answer("a")), seen(answer("", status=500))], "GET /: the status differs"),
        ([seen(answer("a"))], [seen(answer("b c")), seen(answer("d"))], "GET /: the content differs"),
        ([seen(answer("ok"))], [seen(answer("ok")), seen(answer("bad"))], "GET /: the content differs"),
        ([seen(answer("up 1"))], [seen(answer("up 2")), seen(answer("down 3"))], "GET /: the content differs"),
        ([seen(answer("a", pragma="x"))], [seen(answer("a", pragma="x")), seen(answer("a", pragma="y"))], "GET /: the header pragma differs"),
        ([seen(answer("a"))], [seen(answer("a")), seen(unanswered=("/",))], "GET /: it always answered"),
        ([seen()], [seen(), seen(started=False, reason="it ended")], "run: it ends by itself"),
        ([seen()], [seen(), seen(log_problems=("EACCES",))], "log: the log speaks of new trouble"),
        ([seen(streamed("0:a", "1:c"))], [seen(streamed("0:b1:c"))], "GET /: the content differs"),
        ([built(OLD, "x")], [built(NEW, "y", answer("", f"/s/{OLD}/m.js", 404))], f"GET /s/{OLD}/m.js: the content differs"),
        ([built(OLD, "x")], [seen(built(NEW, "").answers[0], answer("", f"/s/{OLD}/m.js", 404))], f"GET /s/{OLD}/m.js: the status differs"),
        ([STAMPED], [stamped("k2x01b", "CqGIXJr6", "CB2IJ7a4", MOVED, text="ho")], "GET /: the content differs"),
        ([island("MP7Cn", "Counter.Btjck0UT")], [island("Z9rne0", "Counter.Dp7nliTC", "{1}")], "GET /: the content differs"),
        ([seen(answer("<p>10482275"), answer("x", "/i-10482275.png"))], [seen(answer("<p>20482275"), answer("x", "/i-20482275.png"))], "GET /: the content differs"),
        ([seen(answer("x", "/a-1b2c3d4e.js"))], [seen(answer("y", "/a-99999999.js"))], "GET /a-1b2c3d4e.js: the content differs"),
    ],
)  # fmt: skip
def test_what_goes_wrong_once_in_the_other_version_counts(
    before: list[Observed], after: list[Observed], said: str
) -> None:
    assert changes(before, after) == [said]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (stamped("k2x01b", "CqGIXJr6", "CB2IJ7a4", MOVED, code="fun()"), "GET /8W-_GYQZ.js: it answered before"),
        (stamped("k2x01b", "CqGIXJr6", "CB2IJ7a4"), "GET /DuX2ddWE.js: it answered before"),
        (stamped("k2x01b", "CqGIXJr6", "CB2IJ7a4", answer("z", "/CE61oqcu.js")), "GET /DuX2ddWE.js: it answered before"),
        (
            seen(answer("<p>hi<script>__sveltekit_k2x01b={}</script>"), *stamped("k2x01b", "CqGIXJr6", "CB2IJ7a4", MOVED).answers[1:]),
            "GET /: the content differs",
        ),
        (seen(*(one for one in stamped("k2x01b", "CqGIXJr6", "CB2IJ7a4", MOVED).answers if "start" not in one.path)), "GET /start.3oU6SF4N.js: it answered before"),
    ],
)  # fmt: skip
def test_other_hashes_in_names_hide_nothing(after: Observed, said: str) -> None:
    assert said in changes([STAMPED], [after])


def runner(*runs: Observed | NotDone) -> tuple[Callable[[RunPlan], Observed | NotDone], list[RunPlan]]:
    """A run that gives these, one after the other and the last for ever, and what it was asked."""
    plans: list[RunPlan] = []

    def run(plan: RunPlan) -> Observed | NotDone:
        plans.append(plan)
        return runs[min(len(plans), len(runs)) - 1]

    return run, plans


def test_both_are_run_in_turns_and_the_second_on_kept_volumes() -> None:
    first = Observed(replace(RUN, written_paths=("/app/data/x", "/top")), (answer("a"),), (Ask("/linked"),))
    run_before, asked_before = runner(first)
    run_after, asked_after = runner(seen(answer("a")))
    old, new = run_both(PLAN, run_before, run_after, lambda: {"v": "/data"})
    assert isinstance(old, RunRecord)
    assert isinstance(new, RunRecord)
    assert (old.runs, new.runs, new.hardened) == (2, 2, "")
    assert [(plan.brief, plan.hardened, dict(plan.volumes)) for plan in asked_after] == [
        (False, False, {}),
        (True, False, {"v": "/data"}),
        (False, True, {}),
    ]
    assert [plan.written for plan in asked_before] == [None, None]  # the second wrote less: perhaps by chance
    assert [plan.written for plan in asked_after] == [None, None, ()]
    assert asked_after[0].asks == (Ask("/"), Ask("/linked"))
    assert asked_after[0].inspection.folders == ("/app/data",)
    assert asked_before[1].inspection.kept == ("/data",)


def test_what_both_have_written_once_is_not_looked_for_again() -> None:
    run_before, asked_before = runner(seen(written_paths=("/app/data/x",)))
    run_after, asked_after = runner(seen(written_paths=("/app/data/y",)))
    run_both(PLAN, run_before, run_after, dict)
    assert [plan.written for plan in asked_before] == [None, ("/app/data/x",)]
    assert [plan.written for plan in asked_after] == [None, ("/app/data/y",), ()]


def test_a_start_that_looks_slow_is_measured_a_third_time() -> None:
    run_after, asked = runner(seen(ready_seconds=9.0), seen(ready_seconds=9.0), seen(ready_seconds=0.5))
    _, new = run_both(PLAN, runner(seen())[0], run_after, dict)
    assert isinstance(new, RunRecord)
    assert len(asked) == 4
    assert new.ready_seconds == 9.0
    baseline = run_baseline(PLAN, runner(seen())[0], dict)
    for seconds, runs in (((9.0, 0.5), 2), ((9.0, 9.0, 0.5), 3)):  # one quick start is enough: the machine was busy
        _, against = run_against(baseline, runner(*(seen(ready_seconds=one) for one in seconds))[0])
        assert isinstance(against, RunRecord)
        assert (against.runs, against.ready_between) == (runs, (0.5, 9.0))


@pytest.mark.parametrize(
    ("seconds", "asked_to_end", "counts"),
    [
        ((0.3, 0.3), [False, False], False),
        ((9.0, 0.3), [False, True], False),  # one quick end is enough: the machine was busy
        ((9.0, 9.0, 0.3), [False, True, True], False),
        ((9.0, 9.0, 9.0), [False, True, True], True),
    ],
)
def test_an_end_that_looks_slow_is_measured_again(
    seconds: tuple[float, ...], asked_to_end: list[bool], counts: bool
) -> None:
    runs = [seen(stop_seconds=one) for one in seconds]
    run_before, asked_before = runner(seen())
    run_after, asked = runner(*runs)
    old, new = run_both(PLAN, run_before, run_after, dict)
    assert isinstance(old, RunRecord)
    assert isinstance(new, RunRecord)
    assert [plan.ends for plan in asked if not plan.hardened] == asked_to_end
    assert [plan.ends for plan in asked_before] == asked_to_end  # it may be what was too quick by chance
    assert [change.reason for change in compare_runs(old, new)[0]] == ["it takes longer to end"] * counts
    run_after, asked = runner(*runs)
    _, new = run_against(run_baseline(PLAN, runner(seen())[0], dict), run_after)
    assert [plan.ends for plan in asked] == asked_to_end
    assert isinstance(new, RunRecord)
    assert [change.reason for change in compare_runs(old, new)[0]] == ["it takes longer to end"] * counts


def test_what_had_to_be_killed_once_does_not_end_when_asked() -> None:
    killed = seen(stop_seconds=10.2, stop_exit_code=137)
    _, new = run_both(PLAN, runner(seen())[0], runner(seen(stop_seconds=9.0), killed)[0], dict)
    assert isinstance(new, RunRecord)
    assert (new.stop_exit_code, new.stop_seconds) == (137, 10.2)


def test_one_that_was_not_run_leaves_the_other_alone() -> None:
    none = NotDone("no engine")
    old, new = run_both(PLAN, runner(none)[0], runner(seen(answer("a")))[0], dict)
    assert old == none
    assert isinstance(new, RunRecord)
    assert [response.what for response in new.responses] == ["GET /"]
    assert run_against(run_baseline(PLAN, runner(none)[0], dict), runner(seen())[0])[0] == none
    assert alone(run_baseline(PLAN, runner(none)[0], dict)) == none
    kept = run_baseline(PLAN, runner(seen(), none)[0], dict)
    assert isinstance(alone(kept), RunRecord)
    old, new = run_against(kept, runner(seen(), none)[0])
    assert (old, new) == (replace(RUN, unrepeated="no engine"), replace(RUN, unrepeated="no engine"))


def test_what_does_not_start_is_not_run_again() -> None:
    run_after, asked = runner(seen(started=False, reason="it ended"))
    _, new = run_both(PLAN, runner(seen())[0], run_after, dict)
    assert len(asked) == 1
    assert isinstance(new, RunRecord)
    assert (new.started, new.reason, new.hardened) == (False, "it ended", None)


def test_a_second_run_that_could_not_be_made_is_told_of() -> None:
    broken = runner(seen(), NotDone("the engine broke off"))[0]
    old, new = run_both(PLAN, runner(seen())[0], broken, dict)
    assert isinstance(old, RunRecord)
    assert isinstance(new, RunRecord)
    assert (old.unrepeated, new.unrepeated) == ("", "the engine broke off")


def test_no_version_gets_a_volume_that_another_than_before_has_filled() -> None:
    numbers = iter(range(9))
    run_before, filled = runner(seen())
    baseline = run_baseline(PLAN, run_before, lambda: {f"volume-{next(numbers)}": "/data"})
    used = []
    for _ in ("slim", "alpine"):
        run_after, asked = runner(seen(ready_seconds=9.0))
        run_against(baseline, run_after)
        used += [name for plan in asked for name in plan.volumes]
    assert len(used) == len(set(used)) == 4
    assert set(used) <= {name for plan in filled for name in plan.volumes}


def test_where_the_volumes_cannot_be_filled_again_it_is_told_of() -> None:
    run_before, _ = runner(seen(), seen(), NotDone("the engine broke off"))
    baseline = run_baseline(PLAN, run_before, lambda: {"volume": "/data"})
    old, new = run_against(baseline, runner(seen())[0])
    assert isinstance(old, RunRecord)
    assert isinstance(new, RunRecord)
    assert (old.unrepeated, new.runs) == ("the engine broke off", 1)


@pytest.mark.parametrize(
    ("port", "before", "after", "repeats"),
    [
        (None, seen(), seen(), 10.0),  # a worker: nobody waits for its end again
        (None, seen(Exchange("RUN", OUTPUT, 0, "text/plain", "", b"")), seen(), 60.0),
        (None, seen(), seen(Exchange("RUN", OUTPUT, 0, "text/plain", "", b"")), 60.0),
        (3000, seen(), seen(), 60.0),
    ],
    ids=["goes on", "before ends", "after ends", "serves"],
)
def test_the_end_of_what_goes_on_is_waited_for_once(
    port: int | None, before: Observed, after: Observed, repeats: float
) -> None:
    waits: list[float] = []

    def run(what: Observed) -> Callable[[RunPlan], Observed]:
        return lambda plan: waits.append(plan.seconds) or what  # type: ignore[func-returns-value]

    run_both(RunPlan(port, (), 60.0), run(before), run(after), dict)
    assert waits == [60.0, 60.0, *[repeats] * (len(waits) - 2)]
    assert len(waits) > 3
