"""The files: read back they are the simulation, through the mapping and the register that ship."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from warning.domain.ticket import LifeEvent
from warning.intake.files import read_files
from warning.intake.mapping_files import load_mapping
from warning.intake.register import load_register
from warning.settings import load_settings
from warning.simulator import Simulation, load_city, simulate
from warning.simulator.export import FILES, IDENTITIES, REGISTER, SETTINGS, TICKETS, files_of
from warning.store.truth import read_truth


@pytest.fixture(name="simulation", scope="module")
def _simulation() -> Simulation:
    return simulate(load_city("demo"), 2, date(2025, 1, 6), 21)


@pytest.fixture(name="folder", scope="module")
def _folder(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    for name, content in files_of(simulation).items():
        (folder / name).write_bytes(b"".join(content))
    return folder


def test_every_ticket_is_accepted(simulation: Simulation, folder: Path) -> None:
    """The mapping and the register read every row, without a repair, as the ticket it was."""
    register = load_register(folder / REGISTER)
    (read,) = read_files([folder / TICKETS], load_mapping("simulated-city"), register=register)
    assert (len(read.tickets), len(read.rejects), read.repairs.total()) == (len(simulation.tickets), 0, 0)
    assert read.tickets.time.tolist() == [one.event_time for one in simulation.tickets]
    assert read.tickets.ticket_id.tolist() == [one.ticket_id for one in simulation.tickets]
    areas = [read.tickets.area.values[code] for code in read.tickets.area.codes]
    assert areas == ["/".join(one.area) for one in simulation.tickets]
    departments = [read.tickets.department.values[code] for code in read.tickets.department.codes]
    assert departments == [one.department for one in simulation.tickets]


def test_transfers_and_closings_become_life_events(simulation: Simulation, folder: Path) -> None:
    """Each closed ticket gives one closing, each transferred one a transfer."""
    (read,) = read_files([folder / TICKETS], load_mapping("simulated-city"))
    kinds = np.bincount(read.life.kind, minlength=len(LifeEvent))
    assert kinds[LifeEvent.RESOLVED] == len(simulation.tickets)
    assert kinds[LifeEvent.TRANSFERRED] == sum(one.transfers > 0 for one in simulation.tickets)


def test_the_truth_is_read_back(simulation: Simulation, folder: Path) -> None:
    """The truth file gives the period and every truth as it was, sizes to three digits."""
    period, truths = read_truth(folder)
    assert period == simulation.period
    assert [true.id for true in truths] == [true.id for true in simulation.truth]
    for read, true in zip(truths, simulation.truth, strict=True):
        assert (read.start, read.end, read.areas, read.ticket_ids) == (
            true.start,
            true.end,
            true.areas,
            true.ticket_ids,
        )
        assert read.size_sd == pytest.approx(true.size_sd, abs=0.001)


def test_identities_are_listed(simulation: Simulation, folder: Path) -> None:
    """Each line names a ticket, a kind and the value."""
    lines = [json.loads(line) for line in (folder / IDENTITIES).read_text("utf-8").splitlines()]
    assert [tuple(line.values()) for line in lines] == [tuple(one) for one in simulation.identities]
    assert set(lines[0]) == {"ticket_id", "kind", "value"}


def test_register_and_settings_are_the_citys(simulation: Simulation, folder: Path) -> None:
    """The register has every area with its neighbours and people, the settings its zone."""
    register = load_register(folder / REGISTER)
    assert len(register) == 1 + 3 + 13
    for path, district in simulation.city.districts().items():
        assert register.get(path).population == district.population
        assert {other.parts[-1] for other in register.get(path).neighbours} == {
            other for one, other in simulation.city.touching() if one == district.name
        }
    settings = load_settings(folder / SETTINGS, environment={})
    assert (settings.jurisdiction, settings.zone) == ("demo", "Asia/Shanghai")


def test_the_same_simulation_gives_the_same_bytes(folder: Path) -> None:
    """Simulated again, every file is the same to the byte."""
    again = files_of(simulate(load_city("demo"), 2, date(2025, 1, 6), 21))
    assert tuple(again) == FILES
    for name, content in again.items():
        assert b"".join(content) == (folder / name).read_bytes(), name
