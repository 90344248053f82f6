"""A cluster for tests: real workers in processes of their own, over a real Kafka and a real database."""
