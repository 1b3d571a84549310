"""Everything on disk: state, its history, journal, lock and saved plans. Knows neither kinds nor the network."""
