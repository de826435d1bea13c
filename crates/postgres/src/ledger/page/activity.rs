//! *Activity*: when each source delivered, and what it delivered day by day.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Text, Timestamptz};

/// Files of a source that were taken with shorter pauses between them are one delivery.
const PAUSE: TimeDelta = TimeDelta::minutes(30);
/// How far back a step over the files of a source leads at least.
const STEP: &str = "interval '10 minutes'";
/// How many steps are made.
const STEPS: i32 = 60;
/// How many intervals make a habit.
const LEAST_INTERVALS: usize = 2;

/// When files of a source were taken: the last one, and of the earlier ones one in ten
/// minutes.
const TIMES: &str = "\
with recursive taken as (
  select s.id as source_id, 1 as step, (select max(f.started_at) from etl.load_file f where f.source_id = s.id) as at
    from etl.source s
  union all
  select t.source_id, t.step + 1,
         (select max(f.started_at) from etl.load_file f where f.source_id = t.source_id and f.started_at < t.at - STEP)
    from taken t where t.at is not null and t.step < $1)
select s.code as source, s.name, t.at,
       case when t.step = 1 then (
         select l.finished_at from etl.load_file l
          where l.source_id = s.id and l.status in ('loaded', 'duplicate')
          order by l.started_at desc limit 1) end as loaded_at
  from taken t join etl.source s on s.id = t.source_id
 where t.at is not null or t.step = 1
 order by s.code, t.step";

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    loaded_at: Option<DateTime<Utc>>,
}

/// How a source delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceHabit {
    /// The name of its folder in the inbox.
    pub source: String,
    /// What it is called.
    pub name: Option<String>,
    /// When its last file was taken.
    pub last_file_at: Option<DateTime<Utc>>,
    /// When the last of its files was loaded.
    pub last_loaded_at: Option<DateTime<Utc>>,
    /// The median time between two deliveries; none before there are three.
    pub interval: Option<TimeDelta>,
}

/// How a source is doing by its habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// No delivery yet.
    Never,
    /// Too few deliveries to tell.
    Unknown,
    /// Within its habit.
    InTime,
    /// The last delivery is more than one and a half intervals ago.
    Late,
    /// The last delivery is more than three intervals ago.
    Overdue,
}

impl SourceHabit {
    /// Of all sources, by name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<SourceHabit>> {
        let taken: Vec<Taken> =
            sql_query(TIMES.replace("STEP", STEP)).bind::<Integer, _>(STEPS).load(connection)?;
        let of_source = |taken: &[Taken]| {
            let times: Vec<DateTime<Utc>> = taken.iter().filter_map(|taken| taken.at).collect();
            SourceHabit {
                source: taken[0].source.clone(),
                name: taken[0].name.clone(),
                last_file_at: times.first().copied(),
                last_loaded_at: taken[0].loaded_at,
                interval: interval(&times),
            }
        };
        Ok(taken.chunk_by(|one, other| one.source == other.source).map(of_source).collect())
    }

    /// How it is doing at that time.
    pub fn at(&self, now: DateTime<Utc>) -> Delivered {
        let Some(last) = self.last_file_at else { return Delivered::Never };
        let Some(interval) = self.interval else { return Delivered::Unknown };
        // Whoever delivers all the time may pause for a while.
        let interval = interval.max(PAUSE);
        match now - last {
            since if since > interval * 3 => Delivered::Overdue,
            since if since * 2 > interval * 3 => Delivered::Late,
            _ => Delivered::InTime,
        }
    }
}

/// The median time between the ends of deliveries, of which the last comes first. A source
/// that delivers without pauses has that between its files.
fn interval(times: &[DateTime<Utc>]) -> Option<TimeDelta> {
    let mut deliveries: Vec<DateTime<Utc>> = Vec::new();
    let mut earlier = None;
    for time in times {
        if earlier.is_none_or(|earlier: DateTime<Utc>| earlier - *time > PAUSE) {
            deliveries.push(*time);
        }
        earlier = Some(*time);
    }
    median(&deliveries).or_else(|| median(times))
}

fn median(times: &[DateTime<Utc>]) -> Option<TimeDelta> {
    let mut intervals: Vec<TimeDelta> = times.windows(2).map(|pair| pair[0] - pair[1]).collect();
    if intervals.len() < LEAST_INTERVALS {
        return None;
    }
    intervals.sort();
    Some(intervals[intervals.len() / 2])
}

/// What was taken on a day, in UTC, of a source.
#[derive(Clone, Debug, QueryableByName)]
pub struct DayCount {
    /// The day.
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    /// The name of the source's folder in the inbox.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// How many resources were inserted or updated.
    #[diesel(sql_type = BigInt)]
    pub resources: i64,
    /// How many records were rejected.
    #[diesel(sql_type = BigInt)]
    pub rejects: i64,
}

impl DayCount {
    /// Of the days from `first` to `last`, by day and source, from the accounts of the files.
    pub fn between(
        connection: &mut PgConnection,
        first: NaiveDate,
        last: NaiveDate,
    ) -> QueryResult<Vec<DayCount>> {
        // Day by day, because Postgres would sort all files to group them.
        sql_query(
            "select d.day::date as day, s.code as source, f.resources, f.rejects \
               from generate_series($1::timestamp, $2::timestamp, interval '1 day') d (day) cross join etl.source s \
              cross join lateral ( \
                select sum(inserted + updated)::bigint as resources, sum(rejected)::bigint as rejects from etl.load_file \
                 where source_id = s.id and started_at >= d.day at time zone 'UTC' \
                   and started_at < (d.day + interval '1 day') at time zone 'UTC') f \
              where f.resources is not null order by 1, 2",
        )
        .bind::<Date, _>(first)
        .bind::<Date, _>(last)
        .load(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn at(hours: &[i64]) -> Vec<DateTime<Utc>> {
        let begin = Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap();
        hours.iter().map(|hours| begin + TimeDelta::hours(*hours)).collect()
    }

    #[test]
    fn a_habit_is_the_median_of_the_intervals_between_deliveries() {
        assert_eq!(interval(&at(&[])), None);
        assert_eq!(interval(&at(&[48, 24])), None);
        assert_eq!(interval(&at(&[96, 72, 48, 24])), Some(TimeDelta::hours(24)));
        // One delivery came late.
        assert_eq!(interval(&at(&[200, 72, 48, 24])), Some(TimeDelta::hours(24)));
        // A delivery of many files is one.
        let mut times = Vec::new();
        for time in at(&[72, 48, 24]) {
            times.extend((0..10).map(|minutes| time - TimeDelta::minutes(minutes * 12)));
        }
        assert_eq!(interval(&times), Some(TimeDelta::hours(24)));
        // Files come all the time.
        let steady: Vec<_> = (0..9).map(|step| at(&[9])[0] - TimeDelta::minutes(step * 11)).collect();
        assert_eq!(interval(&steady), Some(TimeDelta::minutes(11)));
    }

    #[test]
    fn a_source_is_late_after_one_and_a_half_intervals() {
        let habit = SourceHabit {
            source: "s".to_owned(),
            name: None,
            last_file_at: Some(at(&[0])[0]),
            last_loaded_at: None,
            interval: Some(TimeDelta::hours(24)),
        };
        for (hours, expected) in [
            (1, Delivered::InTime),
            (36, Delivered::InTime),
            (37, Delivered::Late),
            (72, Delivered::Late),
            (73, Delivered::Overdue),
        ] {
            assert_eq!(habit.at(at(&[hours])[0]), expected, "{hours}");
        }
        let unknown = SourceHabit { interval: None, ..habit.clone() };
        assert_eq!(unknown.at(at(&[1000])[0]), Delivered::Unknown);
        let never = SourceHabit { last_file_at: None, ..habit };
        assert_eq!(never.at(at(&[1000])[0]), Delivered::Never);
    }
}
