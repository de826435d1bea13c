//! *Families* of metrics that are made anew for each scrape, from values that somebody else
//! keeps. The names follow Prometheus' conventions.

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// Families in the making.
#[derive(Debug, Default)]
pub(super) struct Families(Vec<MetricFamily>);

/// The values of one family, each with its labels.
pub(super) type Values<'v> = Vec<(Vec<(&'static str, &'v str)>, f64)>;

impl Families {
    /// Adds totals that only grow; the name ends in `_total`.
    pub fn counters(&mut self, name: &str, help: &str, values: Values<'_>) {
        debug_assert!(name.ends_with("_total"), "{name}");
        self.add(name, help, MetricType::COUNTER, values);
    }

    /// Adds values that come and go.
    pub fn gauges(&mut self, name: &str, help: &str, values: Values<'_>) {
        self.add(name, help, MetricType::GAUGE, values);
    }

    /// Adds one total without labels.
    pub fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.counters(name, help, vec![(Vec::new(), value)]);
    }

    /// Adds one value without labels, if it is known.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Into<Option<f64>>) {
        self.gauges(name, help, value.into().map(|value| (Vec::new(), value)).into_iter().collect());
    }

    /// Adds families that are complete.
    pub fn extend(&mut self, families: Vec<MetricFamily>) {
        self.0.extend(families.into_iter().filter(|family| !family.get_metric().is_empty()));
    }

    /// All families, by name.
    pub fn finish(mut self) -> Vec<MetricFamily> {
        self.0.sort_by(|one, other| one.name().cmp(other.name()));
        self.0
    }

    fn add(&mut self, name: &str, help: &str, kind: MetricType, values: Values<'_>) {
        if values.is_empty() {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        family.set_metric(values.into_iter().map(|value| metric(kind, value)).collect());
        self.0.push(family);
    }
}

fn metric(kind: MetricType, (mut labels, value): (Vec<(&str, &str)>, f64)) -> Metric {
    labels.sort_unstable();
    let labels = labels.into_iter().map(|(name, text)| {
        let mut label = LabelPair::default();
        label.set_name(name.to_owned());
        label.set_value(text.to_owned());
        label
    });
    let mut metric = Metric::from_label(labels.collect());
    if kind == MetricType::COUNTER {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    metric
}
