"""How a host comes to its first certificate: the verb `enrol` of collector daemons."""
