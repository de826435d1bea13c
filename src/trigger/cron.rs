//! The schedule, as wake-ups.
//!
//! Times of the schedule are in ASSUME_TIMEZONE, like all times without a zone.
//! The scheduler knows only fixed offsets, so the job is replaced whenever
//! daylight saving time begins or ends.

use std::sync::Arc;

use chrono::{FixedOffset, Offset, TimeZone, Utc};
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::{info, warn};
use uuid::Uuid;

use crate::config::{Schedule, Timezone};

/// A running schedule.
pub struct Cron {
    scheduler: JobScheduler,
    job: Uuid,
    schedule: Schedule,
    timezone: Timezone,
    offset: FixedOffset,
    wake: Arc<Notify>,
}

impl Cron {
    /// Notifies `wake` at every time of the schedule.
    pub async fn start(
        schedule: &Schedule,
        timezone: Timezone,
        wake: &Arc<Notify>,
    ) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        let offset = current_offset(timezone);
        let job = scheduler.add(wake_up(schedule, offset, wake)?).await?;
        scheduler.start().await?;
        Ok(Self { scheduler, job, schedule: schedule.clone(), timezone, offset, wake: Arc::clone(wake) })
    }

    /// Replaces the job if the zone's offset has changed.
    pub async fn follow_offset(&mut self) -> Result<(), JobSchedulerError> {
        let offset = current_offset(self.timezone);
        if offset == self.offset {
            return Ok(());
        }
        info!("the offset of {} changed from {} to {offset}", self.timezone, self.offset);
        let job = self.scheduler.add(wake_up(&self.schedule, offset, &self.wake)?).await?;
        self.scheduler.remove(&self.job).await?;
        self.job = job;
        self.offset = offset;
        Ok(())
    }

    /// Stops the schedule.
    pub async fn stop(&mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            warn!("the scheduler did not stop: {error}");
        }
    }
}

fn wake_up(schedule: &Schedule, offset: FixedOffset, wake: &Arc<Notify>) -> Result<Job, JobSchedulerError> {
    let wake = Arc::clone(wake);
    Job::new_tz(schedule.expression(), offset, move |_, _| wake.notify_one())
}

fn current_offset(timezone: Timezone) -> FixedOffset {
    let now = Utc::now().naive_utc();
    match timezone {
        Timezone::Fixed(offset) => offset,
        Timezone::Named(zone) => zone.offset_from_utc_datetime(&now).fix(),
    }
}
