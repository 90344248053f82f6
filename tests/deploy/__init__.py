"""What is deployed: the compose file, the image, what watches over it, and all of it run on this machine."""
