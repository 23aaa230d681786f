"""One tree of errors; `api.py` maps it to HTTP statuses, `cli.py` to exit codes.

TriageError
├── SettingsError          a setting is wrong; the service does not start
│   └── TaxonomyError      the taxonomy file is wrong; names the line
├── MessageRejected        the input is not a message
│   └── MessageTooLong
├── RequestRejected        a request breaks a rule of its resource
│   └── PreconditionRequired   it must say which version it is made on
├── ComponentError         a step could not do its work; the pipeline goes on without it
├── ModelError             a model file is missing, damaged, or not what it claims to be
├── DataError              a file of messages, articles or judgments is not readable as such
├── StoreError             the database refused or cannot be reached; nothing of the transaction is kept
│   ├── DecisionConflict   another person has decided since; read the contact again
│   ├── ClaimConflict      another agent works on the contact
│   ├── IdempotencyConflict    the key came with another request
│   └── IdempotencyInProgress  the first request with the key has not been answered yet
├── DeliveryFailed         another system did not take what it was sent; it is tried again
│   └── DeliveryRefused    it never will: a dead letter, for people to look at
├── MailboxError           a mail server does not do what it is asked
│   └── MailboxLost        it cannot be reached, or the connection is gone: connect again
├── AccessDenied           who asks may not do this
│   └── Unauthenticated    nobody is signed in, and no valid key was sent
├── TooManyRequests        says after how many seconds to come again
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


class RequestRejected(TriageError):
    """A request breaks a rule of its resource. The text says the rule and what to do."""


class PreconditionRequired(RequestRejected):
    """A change of what others may change too must say which version it is made on."""


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


class DeliveryFailed(TriageError):
    """Another system did not take what it was sent.

    Args:
        kind: The kind of failure, such as `HTTP 503` or `ReadTimeout`; never a text that may quote the payload.
        retry_after_s: Seconds that it wants to be left alone, everything else that goes there included.
    """

    def __init__(self, kind: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(kind)
        self.retry_after_s = retry_after_s


class DeliveryRefused(DeliveryFailed):
    """Another system will never take it as it is."""


class MailboxError(TriageError):
    """A mail server does not do what it is asked. The text names the command, never what a mail says."""


class MailboxLost(MailboxError):
    """A mail server cannot be reached, or the connection is gone: connect again."""


class AccessDenied(TriageError):
    """Who asks may not do this. The text names the right that is missing, or the rule that was broken."""


class Unauthenticated(AccessDenied):
    """Nobody is signed in, and no valid key was sent."""


class TooManyRequests(TriageError):
    """Who asks has asked too often.

    Args:
        message: The rule.
        retry_after_s: Seconds until the next request is taken, at least 1.
    """

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ClaimConflict(StoreError):
    """Another agent works on the contact."""


class IdempotencyConflict(StoreError):
    """An idempotency key came with another request than the first time."""


class IdempotencyInProgress(StoreError):
    """The first request with an idempotency key has not been answered yet."""


class NotFound(TriageError):
    """Nothing is stored under that name."""
