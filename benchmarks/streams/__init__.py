"""The cluster's transport beside others': the same tickets, normaliser and engine, moved by five of them."""
