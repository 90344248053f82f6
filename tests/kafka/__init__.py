"""A real Apache Kafka for the tests: brokers on free ports of this machine, that end when the tests do."""
