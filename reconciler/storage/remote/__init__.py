"""Memory that lies elsewhere: one store over a shelf of documents, and a shelf for each place. Imported only where it is used."""
