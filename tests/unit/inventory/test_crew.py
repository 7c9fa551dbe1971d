"""Jobs on threads: all are done, or the first error ends them."""

import threading

import pytest

from weighbridge.inventory.crew import Crew


def test_every_job_is_done() -> None:
    """More jobs than workers are done once each."""
    done: list[int] = []

    def job(number: int) -> None:
        done.append(number)

    crew = Crew([lambda _, n=n: job(n) for n in range(50)], workers=3)  # type: ignore[misc]
    crew.start()
    crew.finish()
    assert sorted(done) == list(range(50))


def test_without_jobs_there_is_nothing_to_wait_for() -> None:
    """A crew without jobs starts no thread and finishes at once."""
    before = set(threading.enumerate())
    crew = Crew([], workers=4)
    crew.start()
    assert set(threading.enumerate()) <= before  # those of other tests may end meanwhile
    crew.finish()


def test_the_first_error_stops_the_rest_and_is_raised() -> None:
    """A failing job ends the work; the jobs behind it are not begun."""
    done: list[int] = []

    def fail(crew: Crew) -> None:
        raise ValueError("first")

    crew = Crew([fail, lambda _: done.append(1)], workers=1)
    crew.start()
    with pytest.raises(ValueError, match="first"):
        crew.finish()
    assert not done


def test_a_stopped_crew_leaves_no_thread() -> None:
    """Stopping waits for the job at work, which sees that it is to end."""
    begun, seen = threading.Event(), threading.Event()

    def job(crew: Crew) -> None:
        begun.set()
        while not crew.stopped:
            pass
        seen.set()

    crew = Crew([job], workers=1)
    crew.start()
    begun.wait()
    crew.stop()
    assert seen.is_set()


@pytest.mark.parametrize("workers", [2, 3])
def test_a_job_is_told_of_workers_without_one(workers: int) -> None:
    """Each worker that has nothing more to do can be counted on once, until it is given back."""
    taken: list[bool] = []
    others = threading.Event()

    def last(crew: Crew) -> None:
        others.wait()
        for _ in range(workers - 1):
            while not crew.take_spare():
                pass
        taken.append(crew.take_spare())
        crew.give_spare()
        taken.append(crew.take_spare())

    def first(crew: Crew) -> None:
        taken.append(crew.take_spare())
        if taken[0]:
            crew.give_spare()
        others.set()

    with Crew([last, first], workers=workers) as crew:
        crew.start()
    assert taken == [workers == 3, False, True]


def test_an_interrupt_while_waiting_ends_the_work() -> None:
    """An interrupt of the waiting caller stops the workers before it goes on its way."""
    ended = threading.Event()

    def job(crew: Crew) -> None:
        while not crew.stopped:
            pass
        ended.set()

    crew = Crew([job], workers=1)
    crew.start()
    real_queue = crew._ended

    def interrupted(*, timeout: float) -> None:
        crew._ended = real_queue
        raise KeyboardInterrupt

    class Interrupting:
        get = staticmethod(interrupted)
        put = staticmethod(real_queue.put)

    crew._ended = Interrupting()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        crew.finish()
    assert ended.is_set()


def test_a_thread_that_the_system_refuses_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When no thread can be started, the error comes through and stopping does not hang."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    crew = Crew([lambda _: None], workers=1)
    with pytest.raises(RuntimeError):
        crew.start()
    crew.stop()


@pytest.mark.parametrize("fails", [True, False])
def test_jobs_that_wait_are_told_that_the_work_ends(fails: bool) -> None:
    """What they wait for ends when another job fails, or the crew is stopped."""
    awaited = threading.Event()
    begun = threading.Event()

    def wait(crew: Crew) -> None:
        begun.set()
        awaited.wait()
        assert crew.stopped

    def fail(_: Crew) -> None:
        begun.wait()
        if fails:
            raise ValueError("first")

    crew = Crew([wait, fail], workers=2, stopping=awaited.set)
    crew.start()
    if not fails:
        begun.wait()
        crew.stop()
        return
    with pytest.raises(ValueError, match="first"):
        crew.finish()
