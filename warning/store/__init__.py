"""Where answers are kept: result folders of back-tests, single files written whole or not at all."""
