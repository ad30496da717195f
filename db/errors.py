"""What the database can fail with that a caller can act on."""


class DatabaseUnavailable(Exception):
    """The database cannot be reached or did not answer in time. Try again later."""


class ConnectionLost(DatabaseUnavailable):
    """The connection died before or while it was asked. On another one the answer may come."""


class MaybeSaved(DatabaseUnavailable):
    """The database went away while a change was committed: whether it is saved is not known."""


class SavedUnread(DatabaseUnavailable):
    """A change was saved; then the database went away before it could be read again."""


class WriteRaced(Exception):
    """Another transaction got in between: a deadlock was broken up, or what this one referred to is gone."""


class FilesUnavailable(Exception):
    """The store of files cannot be reached or refused. Try again later."""


class FileMissing(Exception):
    """A row knows of a file whose bytes are not there: somebody else took them away."""
