"""From signals to alerts: which evidence has one cause, when a person should look, how urgent it is and why."""
