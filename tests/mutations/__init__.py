"""Wrong rules of the protocol, and how many seeds of the simulation it takes to catch each."""
