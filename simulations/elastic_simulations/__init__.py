"""The simulator: worlds, engines and traces around the decision code of `elastic`; no decision lives here."""
