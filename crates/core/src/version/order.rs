//! See the parent module.

/// Where a version was read. Places are ordered as they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file. Of two files, the one with the greater number was read later.
    pub file: i64,
    /// The position in the file.
    pub position: i64,
}

/// A version of a resource, or a deletion, as its sender describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// When it took effect, in microseconds since 2000-01-01 UTC.
    pub time: Option<i64>,
    /// `meta.versionId`, if it is a number.
    pub number: Option<i64>,
    /// Where it was read.
    pub place: Place,
}

/// The version that counts, and what it has from the versions before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// The version itself.
    pub version: Version,
    /// The time that it takes from an earlier version; `None` if it has its own.
    pub inherited_time: Option<i64>,
    /// The number that it takes from an earlier version; `None` if it has its own.
    pub inherited_number: Option<i64>,
    /// The first place of a version with the time that counts; `None` if no version
    /// has a time.
    pub time_place: Option<Place>,
}

/// What a version did to the one that counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// It counts now.
    pub wins: bool,
    /// The decision is only final once all versions that were read earlier are
    /// decided on: one of them may lend the loser a time or a number.
    pub needs_order: bool,
    /// The loser would win if it were delivered once more.
    pub is_reversible: bool,
}

/// The number that a `meta.versionId` is, if it is one: up to 18 digits.
pub fn number_of(version_id: &str) -> Option<i64> {
    let is_number =
        (1..=18).contains(&version_id.len()) && version_id.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| version_id.parse().ok()).flatten()
}

impl Version {
    /// Whether it can only be decided on once all versions that were read earlier
    /// are: it has a number, but the time at which the number counts is not known.
    pub fn needs_order(&self) -> bool {
        self.time.is_none() && self.number.is_some()
    }
}

impl Current {
    /// The first version of a resource.
    pub fn first(version: Version) -> Self {
        let time_place = version.time.map(|_| version.place);
        Current { version, inherited_time: None, inherited_number: None, time_place }
    }

    /// The latest time of all versions so far.
    pub fn time(&self) -> Option<i64> {
        self.version.time.or(self.inherited_time)
    }

    /// The highest number of all versions at that time.
    pub fn number(&self) -> Option<i64> {
        self.version.number.or(self.inherited_number)
    }

    /// Decides between the version that counts and another one, which may have been
    /// read before or after it.
    pub fn decide(&mut self, other: &Version) -> Change {
        let before = self.version;
        let wins = self.take(other);
        let (winner, loser) = if wins { (*other, before) } else { (before, *other) };
        let is_at_same_time = loser.time.is_none_or(|time| Some(time) == self.time());
        let lacks_time = loser.time.is_none() && winner.time.is_some();
        let lacks_number = loser.number.is_none() && winner.number.is_some() && is_at_same_time;
        let is_lower = loser.number.is_some() && loser.number < self.number();
        let is_same_file = loser.place.file == winner.place.file;
        Change {
            wins,
            needs_order: lacks_time || lacks_number,
            // The winner of one file wins again whenever the file is delivered.
            is_reversible: match is_same_file {
                true => lacks_time,
                false => is_at_same_time && !is_lower,
            },
        }
    }

    /// Takes the other version if it wins; whether it does.
    fn take(&mut self, other: &Version) -> bool {
        match other.time {
            Some(time) if self.time().is_none_or(|own| own < time) => self.take_later(other, time),
            Some(time) if self.time() == Some(time) => {
                self.time_place = self.time_place.map(|place| place.min(other.place));
                self.take_simultaneous(other)
            }
            Some(_) => false,
            None if self.is_time_of(other.place) => self.take_simultaneous(other),
            None => false,
        }
    }

    /// Whether a version without a time that was read at that place takes the
    /// time that counts.
    fn is_time_of(&self, place: Place) -> bool {
        self.time_place.is_none_or(|first| first < place)
    }

    /// `other` is later than all times so far.
    fn take_later(&mut self, other: &Version, time: i64) -> bool {
        let follows = self.version.time.is_none() && self.version.place > other.place;
        if follows && self.version.number.is_none_or(|own| other.number.is_none_or(|number| own >= number)) {
            self.inherited_time = Some(time);
            self.inherited_number = other.number.filter(|_| self.version.number.is_none());
            self.time_place = Some(other.place);
            return false;
        }
        *self = Current::first(*other);
        true
    }

    /// `other` has the time that counts.
    fn take_simultaneous(&mut self, other: &Version) -> bool {
        let wins = if other.place > self.version.place {
            other.number.is_none() || other.number >= self.number()
        } else if self.version.number.is_none() {
            self.inherited_number = self.inherited_number.max(other.number);
            false
        } else {
            other.number > self.version.number
        };
        if wins {
            let (time, number) = (self.time(), self.number());
            self.inherited_time = time.filter(|_| other.time.is_none());
            self.inherited_number = number.filter(|_| other.number.is_none());
            self.version = *other;
        }
        wins
    }
}

#[cfg(test)]
mod tests;
