"""Who is who: units, people, appointments, delegations and certificates; who may sign what, as whom, on which day."""
