"""The face to people and programs: web pages, command line, worker processes; reads the settings, wires everything once."""
