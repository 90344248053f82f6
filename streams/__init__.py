"""How events move: the Kafka and Faust runtime of the engine. It carries data and time, and decides nothing."""
