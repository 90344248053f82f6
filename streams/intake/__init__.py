"""The way in of the cluster: what platforms and the API wrote into the input topics becomes batches of the log."""
