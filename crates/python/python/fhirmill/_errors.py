"""The exceptions of fhirmill. None of them holds a value of a resource."""

from __future__ import annotations


class Error(Exception):
    """What fhirmill raises."""


class FileError(Error):
    """A file cannot be opened or read."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        #: The file's name.
        self.file = file
        #: Why it cannot be read.
        self.reason = reason

    def __reduce__(self) -> tuple[type[FileError], tuple[str, str]]:
        return type(self), (self.file, self.reason)


class RejectedError(Error):
    """A record was rejected, and ``strict=True`` allows none."""

    def __init__(
        self,
        file: str,
        location: str,
        resource_type: str | None,
        id: str | None,
        path: str | None,
        reason: str,
        message: str,
    ) -> None:
        where = f"{file}, {location}" if location else file
        what = f"{resource_type}/{id}" if resource_type and id else resource_type
        super().__init__(f"{where}: {what}: {message}" if what else f"{where}: {message}")
        #: The file's name.
        self.file = file
        #: The member of the archive, and line, item or entry.
        self.location = location
        #: The type of the resource, as far as it could be read.
        self.resource_type = resource_type
        #: The id of the resource, as far as it could be read.
        self.id = id
        #: The JSON path of the value that is at fault.
        self.path = path
        #: A word for the reason, for counting.
        self.reason = reason
        #: The reason, for people; it begins with the path, if there is one.
        self.message = message

    def __reduce__(self) -> tuple[type[RejectedError], tuple[str | None, ...]]:
        return type(self), (
            self.file, self.location, self.resource_type, self.id, self.path, self.reason, self.message
        )


class LoadError(Error):
    """The program that loads is not there, or has failed."""

    def __init__(self, message: str, code: int | None) -> None:
        super().__init__(message)
        #: Its exit code, if it has run.
        self.code = code

    def __reduce__(self) -> tuple[type[LoadError], tuple[str, int | None]]:
        return type(self), (str(self), self.code)


class DefinitionError(Error, ValueError):
    """A ViewDefinition has mistakes. The message shows each of them, with its place."""


class RejectsWarning(UserWarning):
    """Records were rejected where only a table is returned."""
