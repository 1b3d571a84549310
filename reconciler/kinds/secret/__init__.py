"""Everything the house knows about secrets: where a value comes from, whether it changed, and the account's secrets.

`facts` is the table, `fetching` gets values and their fingerprints, `handler` has the verbs. Where a secret is used decides where
it goes: a worker takes the value by reference, an application asks for an account secret through the slot `targets`.
"""

from reconciler.kinds.secret.handler import SecretHandler

__all__ = ["SecretHandler"]
