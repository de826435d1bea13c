//! What a column of the copy is computed by. The row of the clinical table is `t`, the one
//! with the secret's keys `s`, and `d.days` the days by which the dates of the row's patient
//! are moved: null if the row has no patient.

use fhirmill_core::datatype::{SqlType, Timezone};
use fhirmill_core::model::{DeidentifiedTable, Rule, TableColumn};

use super::functions::{array, literal};
use super::lists::{AGES, SMALL_ZIP_CODES, YEARS};
use crate::database::quoted;

/// Computes columns of one table.
pub(super) struct Expressions<'t> {
    /// The table.
    pub shown: &'t DeidentifiedTable,
    /// The zone in which times keep their time of day.
    pub timezone: Timezone,
}

impl Expressions<'_> {
    /// The SQL of a column.
    pub fn of(&self, column: &TableColumn, rule: &Rule) -> String {
        let own = own(&column.name);
        let shown_if = |condition: String| format!("case when {condition} then {own} end");
        match rule {
            Rule::Hide => "null".to_owned(),
            Rule::Key => format!("etl.deidentified_key({own}, s.inner_pad, s.outer_pad)"),
            Rule::Source => format!("etl.deidentified_source({own}, s.inner_pad, s.outer_pad)"),
            Rule::Keep => own,
            Rule::Shift | Rule::Year => self.date(column, *rule == Rule::Year),
            Rule::Birth => {
                format!("case when not {} then {} end", self.is_over_89(column), self.date(column, false))
            }
            Rule::Precision => self.precision(column),
            Rule::Age => age(&own, &self.unit_beside(&column.name)),
            Rule::Number => self.number(column),
            Rule::Unit => shown_if(format!("{own} = any(etl.deidentified_units())")),
            Rule::Currency => shown_if(format!("{own} ~ '^[A-Z]{{3}}$'")),
            Rule::System => shown_if(format!("etl.is_published_code_system({own})")),
            Rule::Code { system } => shown_if(format!(
                "etl.is_published_code_system({}) and octet_length({own}) <= 64 and {own} !~ '[[:space:]@]'",
                self::own(system)
            )),
            Rule::Codes(codes) => {
                let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
                let operator = if column.sql_type == SqlType::TextArray { "<@" } else { "= any" };
                shown_if(format!("{own} {operator} ({})", array(&codes)))
            }
            Rule::Modifiers => {
                shown_if(format!("array_to_string({own}, ' ', '?') ~ '^[0-9A-Z]{{2}}( [0-9A-Z]{{2}})*$'"))
            }
            Rule::Type => shown_if(format!("{own} = any(etl.deidentified_types())")),
            Rule::Path => shown_if(format!(
                "octet_length({own}) <= 200 and {own} ~ '^[a-z][A-Za-z]*([[][0-9]+])?([.][a-z][A-Za-z]*([[][0-9]+])?)*$'"
            )),
            Rule::State => shown_if(format!("upper({own}) = any(etl.deidentified_states())")),
            Rule::Zip => self.zip(column),
            Rule::Country => shown_if(format!(
                "{own} ~ '^[A-Za-z]{{2,3}}$' or upper({own}) = any(etl.deidentified_united_states())"
            )),
        }
    }

    /// Whether a date of birth is of somebody over 89, or of somebody who will be this year:
    /// on which day a date vanishes must not tell the birthday. Of the dead, by when they died.
    pub fn is_over_89(&self, birth: &TableColumn) -> String {
        let year = "extract(year from current_date)";
        let reference = match self.shown.column("deceased_date_time") {
            Some(death) => {
                format!("least({year}, extract(year from {} at time zone {}))", own(&death.name), self.zone())
            }
            None => year.to_owned(),
        };
        format!("(extract(year from {}) <= {reference} - 90)", own(&birth.name))
    }

    /// The zone as SQL has it: an offset with a sign is an interval, because as a text its
    /// sign would be the opposite one.
    fn zone(&self) -> String {
        let zone = self.timezone.to_string();
        if zone.starts_with(['+', '-']) { format!("interval '{zone}'") } else { literal(&zone) }
    }

    /// A date, moved. A year or a month stays one: it is moved by whole years or months, as
    /// its middle would be. Without a patient, or if `is_year`, it is cut to the year.
    fn date(&self, column: &TableColumn, is_year: bool) -> String {
        let own = own(&column.name);
        let is_time = column.sql_type == SqlType::Timestamptz;
        // The last instant of a year is moved as the first one of the next.
        let is_end = is_time && column.name.ends_with("end");
        let (forth, back) =
            if is_end { (" + interval '1 microsecond'", " - interval '1 microsecond'") } else { ("", "") };
        let local = match is_time {
            true => format!("({own} at time zone {}{forth})", self.zone()),
            false => format!("{own}::timestamp"),
        };
        let year_of = |moment: String| {
            let moment = format!("date_trunc('year', {moment})");
            if is_end { format!("({moment} + interval '1 year')") } else { moment }
        };
        let instant = match is_time {
            true => format!("{own} at time zone {}", self.zone()),
            false => format!("{own}::timestamp"),
        };
        let moved = format!("{local} + make_interval(days => d.days)");
        let middle = match is_year {
            true => year_of(format!("({instant} + make_interval(days => d.days))")),
            false => self.moved_as_precise(column, &local, &moved),
        };
        let any = match self.shown.patient_column() {
            Some(_) => {
                format!("case when d.days is null then {} else {middle} end", year_of(format!("({instant})")))
            }
            None => year_of(format!("({instant})")),
        };
        match is_time {
            true => format!("(({any}){back}) at time zone {}", self.zone()),
            false => format!("({any})::date"),
        }
    }

    fn moved_as_precise(&self, column: &TableColumn, local: &str, moved: &str) -> String {
        let text = format!("{}_text", column.name);
        if self.shown.column(&text).is_none() {
            return moved.to_owned();
        }
        format!(
            "case length({}) when 4 then {local} - make_interval(years => (d.days < -183)::integer) \
             when 7 then {local} + make_interval(months => round(d.days / 30.4375)::integer) else {moved} end",
            own(&text)
        )
    }

    /// How precise the date beside a text is.
    fn precision(&self, column: &TableColumn) -> String {
        let name = column.name.strip_suffix("_text").unwrap_or(&column.name);
        let date = own(name);
        let rule = self.shown.columns.iter().find(|(beside, _)| beside.name == name);
        let absent = match rule {
            Some((birth, Rule::Birth)) => format!("{date} is null or {}", self.is_over_89(birth)),
            _ => format!("{date} is null"),
        };
        let is_year = matches!(rule, Some((_, Rule::Year))) || self.shown.patient_column().is_none();
        if is_year {
            return format!("case when {absent} then null else 'year' end");
        }
        format!(
            "case when {absent} then null when d.days is null then 'year' else \
             case length({}) when 4 then 'year' when 7 then 'month' when 10 then 'day' else 'time' end end",
            own(&column.name)
        )
    }

    /// A measurement, which is an age if it is in years or if its code asks for one.
    fn number(&self, column: &TableColumn) -> String {
        let number = own(&column.name);
        let unit = self.unit_beside(&column.name);
        let has_code = self.shown.table.name.starts_with("observation") && column.name.starts_with("value_");
        let asks = format!("t.code = any({})", array(AGES));
        let is_age = match (unit.as_deref(), has_code) {
            (None, false) => return number,
            (None, true) => asks,
            (Some(unit), false) => format!("{unit} = any({})", array(YEARS)),
            (Some(unit), true) => format!("({unit} = any({}) or {asks})", array(YEARS)),
        };
        format!("case when {number} > 89 and {is_age} then least({number}, 90) else {number} end")
    }

    /// The unit of a number, in small letters: by its code, or else by its text.
    fn unit_beside(&self, number: &str) -> Option<String> {
        let element = number.strip_suffix("_value").or(number.strip_suffix("value"))?;
        let bound = element.strip_suffix("_low").or(element.strip_suffix("_high")).unwrap_or(element);
        let join = |element: &str, part: &str| match element.is_empty() {
            true => part.to_owned(),
            false => format!("{element}_{part}"),
        };
        let names = [join(element, "code"), join(element, "unit"), join(bound, "unit")];
        let found = names.iter().filter(|name| self.shown.column(name).is_some());
        let found: Vec<String> = found.map(|name| own(name)).collect();
        (!found.is_empty()).then(|| format!("lower(coalesce({}))", found.join(", ")))
    }

    /// The first three digits of a ZIP code of the United States.
    fn zip(&self, column: &TableColumn) -> String {
        let zip = own(&column.name);
        let country = column.name.replace("postal_code", "country");
        let abroad = match self.shown.column(&country) {
            Some(country) => {
                format!(" or not upper({}) = any(etl.deidentified_united_states())", own(&country.name))
            }
            None => String::new(),
        };
        format!(
            "case when {zip} !~ '^[0-9]{{5}}(-?[0-9]{{4}})?$'{abroad} then null \
             when left({zip}, 3) = any({}) then '000' else left({zip}, 3) end",
            array(SMALL_ZIP_CODES)
        )
    }
}

/// A column of the clinical table.
fn own(name: &str) -> String {
    format!("t.{}", quoted(name))
}

/// An age, at most 90 years. Without a unit that is known it is in years.
fn age(age: &str, unit: &Option<String>) -> String {
    let most = match unit {
        None => "90".to_owned(),
        Some(unit) => format!(
            "case {unit} when 'mo' then 1080 when 'month' then 1080 when 'months' then 1080 when 'wk' then 4696 \
             when 'week' then 4696 when 'weeks' then 4696 when 'd' then 32873 when 'day' then 32873 \
             when 'days' then 32873 when 'h' then 788940 when 'min' then 47336400 else 90 end"
        ),
    };
    format!("case when {age} > 89 then least({age}, {most}) else {age} end")
}
