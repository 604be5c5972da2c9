"""What the sources of templates may say, by their type.

- shape: what all of them have in common: fields, what is needed, what is checked
- process: the process collector's own points
- snmp: objects of an agent, and formulas over them
- ping: echoes
- status: the collector's own host
- probe: programs of one's own, and handlers
- scrape: pages in the text form of Prometheus
- plugin: collectors that were installed
"""
