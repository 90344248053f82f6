"""Cities made up by a program, with incidents whose truth is known: for the demo, and to measure detectors by.

``load_city`` reads a city, ``simulate`` gives some days of its life with the truth beside them, ``Stream`` gives its
tickets as they come in, for ever.
"""

from warning.domain.truth import Period, Shape, Truth
from warning.simulator.city import City, Purpose, list_cities, load_city
from warning.simulator.incidents import IncidentSpec
from warning.simulator.simulation import Simulation, simulate
from warning.simulator.stream import SimulatedTicket, Stream

__all__ = [
    "City",
    "IncidentSpec",
    "Period",
    "Purpose",
    "Shape",
    "SimulatedTicket",
    "Simulation",
    "Stream",
    "Truth",
    "list_cities",
    "load_city",
    "simulate",
]
