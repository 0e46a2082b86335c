"""The HTTP interface: routes, schemas, authentication, errors; what it serves comes from a Service."""
