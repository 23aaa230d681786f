"""One tree of errors; `api.py` maps it to HTTP statuses, `cli.py` to exit codes.

TriageError
├── SettingsError          a setting is wrong; the service does not start
│   └── TaxonomyError      the taxonomy file is wrong; names the line
├── MessageRejected        the input is not a message
│   └── MessageTooLong
├── ComponentError         a step could not do its work; the pipeline goes on without it
├── ModelError             a model file is missing, damaged, or not what it claims to be
├── DataError              a file of messages, articles or judgments is not readable as such
├── StoreError             the database refused or cannot be reached; nothing of the transaction is kept
│   └── DecisionConflict   another person has decided since; read the contact again
└── NotFound               no such message, article or model
"""


class TriageError(Exception):
    """Base of every error this project raises on purpose."""


class SettingsError(TriageError):
    """One or more settings are wrong. The text lists all of them."""


class TaxonomyError(SettingsError):
    """The taxonomy file breaks a rule. The text names file and line."""


class MessageRejected(TriageError):
    """The input cannot become a message. The text says the rule and what to do."""


class MessageTooLong(MessageRejected):
    """The text is longer than the service reads."""


class ComponentError(TriageError):
    """A step of the pipeline could not do its work on valid input."""


class ModelError(TriageError):
    """A model is missing, damaged, or not the one that its name says."""


class DataError(TriageError):
    """A data file breaks its format. The text names file and line."""


class StoreError(TriageError):
    """The database refused, or cannot be reached. The text names the kind of failure, never what was stored."""


class DecisionConflict(StoreError):
    """Another person has decided since the version that this decision was made on."""


class NotFound(TriageError):
    """Nothing is stored under that name."""
