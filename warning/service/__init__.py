"""What the service does when asked: explain an alert, score a file of counts. Knows no screen, no file, no clock."""
