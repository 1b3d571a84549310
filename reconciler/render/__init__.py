"""Words: a plan or its events as text, JSON or pictures. Pure functions; nothing is computed that a plan does not say."""
