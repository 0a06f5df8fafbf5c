"""Killed at any moment of an intake, the next one finds a whole store or none, holds the same, and sweeps what was left."""

import os
import random
import shutil
import time

import pytest
from faults.commands import Span, contents, differing, kill, left_over
from faults.conftest import write_exports

from pledgebook.book import open_store_of

TIMED = int(os.environ.get("PLEDGEBOOK_KILLS", "30"))
STEPPED = TIMED // 2


@pytest.fixture(scope="module")
def world(tmp_path_factory, company, nursery):
    """Two states of the same exports, what a store of each holds, and how long an undisturbed intake takes."""
    folder, (exports, policy) = tmp_path_factory.mktemp("killed"), company
    later = shutil.copytree(exports, folder / "later")
    with (later / "messages.csv").open("a", encoding="utf-8") as stream:
        stream.write("m-new,p-1,email,autumn,marketing,mailer,2026-10-01T09:00:00+09:00\n")
    (later / "request_pauses.csv").unlink()
    held, seconds = {}, []
    for each in (exports, later):
        begun = time.monotonic()
        assert nursery.run("check", "--exports", each, "--policy", policy, stores=folder / each.name) == 0, nursery.said
        seconds.append(time.monotonic() - begun)
        held[each] = contents(open_here(each, policy, folder / each.name))
    return folder / "stores", policy, held, max(seconds)


def open_here(exports, policy, stores):
    environment = {**os.environ, "PLEDGEBOOK_STORE": str(stores)}
    return open_store_of(exports, policy, environment=environment)


def lose_some(stores, chance):
    """Take away the records of stores and of some parts, as a removal by age does, so that there is work to do."""
    for record in stores.glob("*/store.json"):
        if chance.random() < 0.7:
            record.unlink()
    for record in stores.glob("parts/*.json"):
        if chance.random() < 0.4:
            record.unlink()


def test_the_two_states_differ(world):
    _, _, held, _ = world
    one, other = held.values()
    assert "intake" in differing(one, other)
    assert one["intake"]["rows_quarantined"].sum() > 0


def killed(world, nursery, kills, strike):
    """Let `strike` kill so many intakes at work, one after the other in the same stores; return how many, and what differed."""
    stores, policy, held, _ = world
    chance, met, wrong = random.Random(kills), 0, []
    for number in range(3 * kills):
        if met == kills:
            break
        exports = chance.choice(list(held))
        lose_some(stores, chance)
        met += strike(chance, ("check", "--exports", exports, "--policy", policy), stores) < 0
        if number % 2:
            wrong += differing(held[exports], contents(open_here(exports, policy, stores)))
    return met, wrong


def test_killed_at_random_moments(world, nursery):
    span = Span(world[3])

    def strike(chance, words, stores):
        process = nursery.start(*words, stores=stores)
        time.sleep(chance.uniform(0, span.seconds))
        kill(process)
        return span.told(nursery.wait())

    met, wrong = killed(world, nursery, TIMED, strike)
    assert wrong == []
    assert met == TIMED


def test_killed_before_random_steps_on_the_disk(world, nursery):
    met, wrong = killed(
        world,
        nursery,
        STEPPED,
        lambda chance, words, stores: nursery.run(*words, stores=stores, kill_before=chance.randint(1, 90)),
    )
    assert wrong == []
    assert met == STEPPED


def test_no_leftovers_pile_up(world, nursery):
    stores, policy, held, _ = world
    for record in (*stores.glob("*/store.json"), *stores.glob("parts/*.json")):
        record.unlink()
    nursery.run("check", "--exports", next(iter(held)), "--policy", policy, stores=stores, kill_before=40)
    assert left_over(stores) != []
    for making in stores.glob(".making-*"):
        os.utime(making, (0, 0))
    for exports in held:
        assert nursery.run("check", "--exports", exports, "--policy", policy, stores=stores) == 0
    assert nursery.run("check", "--exports", exports, "--policy", policy, stores=stores) == 0
    assert left_over(stores) == []


def test_only_the_part_of_a_changed_source_is_made_again(tmp_path, nursery, company):
    exports, stores = write_exports(tmp_path / "exports", rows=300), tmp_path / "stores"
    words = ("check", "--exports", exports, "--policy", company[1])
    assert nursery.run(*words, stores=stores) == 0
    before = {file.name: file.stat().st_ino for file in stores.glob("parts/*.json")}
    with (exports / "messages.csv").open("a", encoding="utf-8") as stream:
        stream.write("m-new,p-1,email,autumn,marketing,mailer,2026-10-01T09:00:00+09:00\n")
    (exports / "request_pauses.csv").unlink()
    assert nursery.run(*words, stores=stores) == 0
    after = {file.name: file.stat().st_ino for file in stores.glob("parts/*.json")}
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 1
    assert "reading messages.csv" in nursery.said
    assert nursery.said.count("reading ") == 1
