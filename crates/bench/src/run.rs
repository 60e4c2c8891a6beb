//! One measurement, from the server's start to its end.

use std::io;
use std::time::{Duration, Instant};

use crate::field::{Field, Joiner};
use crate::hiccup::{HICCUP_MAX, Meter};
use crate::histogram::Histogram;
use crate::net::time_of_day;
use crate::recorded;
use crate::report::Figures;
use crate::scenario::{Kind, Scenario};
use crate::server::{Choice, Server, datagrams_dropped, load_average, own_cpu};

/// Until an idle server's memory is looked at.
const SETTLE: Duration = Duration::from_millis(500);

/// From when everybody hears everything until it is measured.
const WARM_UP: Duration = Duration::from_secs(3);

/// What joins are moved by, so many times as 7 of 20 come.
const OUT_OF_STEP: Duration = Duration::from_micros(1_030);

/// For what is still under way at the end.
const DRAIN: Duration = Duration::from_secs(1);

/// Until everybody hears everything.
const COMPLETE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the cost of packets alone is measured after a storm.
const CALM: Duration = Duration::from_secs(3);

/// Measures one scenario once.
///
/// # Errors
/// The server does not start, or a client failed.
pub fn run(choice: &Choice, scenario: &Scenario, round: u32) -> io::Result<Figures> {
    let (unix_s, load) = (time_of_day().as_secs(), load_average());
    let server = Server::start(choice)?;
    let mut field = Field::new(choice.door, server.http, choice.ip)?;
    field.run_for(SETTLE)?;
    if scenario.recorded {
        (0..scenario.rooms()).try_for_each(|room| server.record(&crate::signal::room_name(room)))?;
    }
    let mut figures = Figures {
        server: choice.door.name(),
        scenario: scenario.name(),
        round,
        rooms: scenario.rooms(),
        unix_s,
        load,
        rss_idle_kb: server.resident_kb(),
        ..Figures::default()
    };
    join(&mut field, &scenario.senders(), scenario)?;
    if scenario.kind == Kind::Storm {
        storm(&server, &mut field, scenario, &mut figures)?;
    } else {
        join(&mut field, &scenario.viewers(), scenario)?;
        figures.complete = field.run_until_complete(COMPLETE_TIMEOUT)?;
        field.run_for(WARM_UP)?;
        note_joins(&mut figures, &field.joins(0));
        window(&server, &mut field, Duration::from_secs(scenario.seconds), &mut figures)?;
    }
    figures.clients = field.participants();
    figures.rss_kb = server.resident_kb();
    figures.kb_per_client = figures.rss_kb.saturating_sub(figures.rss_idle_kb) as f64 / field.participants().max(1) as f64;
    if scenario.recorded {
        drop(field);
        let count = recorded::count(&server.end()?)?;
        (figures.recorded_files, figures.recorded_frames, figures.recorded_lost) = (count.files, count.frames, count.lost);
    }
    Ok(figures)
}

fn join(field: &mut Field, joiners: &[Joiner], scenario: &Scenario) -> io::Result<()> {
    let start = Instant::now();
    for (n, joiner) in (0..).zip(joiners) {
        // Not in step with anybody's packets: how long the first one takes to come would depend on it.
        let due = start + scenario.join_interval() * n + OUT_OF_STEP * (n * 7 % 20);
        field.run_for(due.saturating_duration_since(Instant::now()))?;
        field.join(joiner)?;
    }
    field.run_for(scenario.join_interval())
}

/// Viewers who join at a rate; then a while without joins, to know what the packets alone cost.
fn storm(server: &Server, field: &mut Field, scenario: &Scenario, figures: &mut Figures) -> io::Result<()> {
    field.run_until_complete(COMPLETE_TIMEOUT)?;
    field.run_for(WARM_UP)?;
    let (before, arrived, since) = (server.cpu()?, field.arrived(), field.len());
    join(field, &scenario.viewers(), scenario)?;
    figures.complete = field.run_until_complete(COMPLETE_TIMEOUT)?;
    let (used, arrived) = (server.cpu()? - before, field.arrived() - arrived);
    note_joins(figures, &field.joins(since));
    window(server, field, CALM, figures)?;
    let packets_ms = figures.cpu_us_per_packet * arrived as f64 / 1e3;
    figures.cpu_ms_per_join = Some((ms(used) - packets_ms) / scenario.subscribers.max(1) as f64);
    Ok(())
}

/// Measures for a while in which nobody comes or goes.
fn window(server: &Server, field: &mut Field, time: Duration, figures: &mut Figures) -> io::Result<()> {
    let hiccups = Meter::start();
    let (metrics, dropped, arrived) = (server.metrics(), datagrams_dropped(), field.arrived());
    let from = field.open_window();
    let (start, cpu, media, own) = (Instant::now(), server.cpu()?, server.thread_cpu("media"), own_cpu());
    field.run_for(time)?;
    let (wall, cpu, media, own) =
        (start.elapsed(), server.cpu()? - cpu, server.thread_cpu("media").saturating_sub(media), own_cpu() - own);
    let to = field.close_window();
    let (arrived, hiccups) = (field.arrived() - arrived, hiccups.take());
    let later = server.metrics();
    field.run_for(DRAIN)?;
    let tally = field.tally(&from, &to);
    let packets = arrived.max(1) as f64;
    let seconds = wall.as_secs_f64();
    figures.packets_per_s = arrived as f64 / seconds;
    figures.cpu_us_per_packet = us(cpu) / packets;
    figures.server_cores = cpu.as_secs_f64() / seconds;
    figures.media_cores = media.as_secs_f64() / seconds;
    figures.generator_us_per_packet = us(own) / packets;
    figures.note(&tally);
    figures.system_dropped = datagrams_dropped().saturating_sub(dropped);
    let grown = |name: &str| later.get(name).saturating_sub(metrics.get(name)) as f64;
    figures.forwarded = grown("kennel_media_packets_out_total") as u64;
    figures.datagrams_per_send = grown("kennel_media_datagrams_out_total") / grown("kennel_media_sends_total").max(1.0);
    figures.packets_per_turn = grown("kennel_media_packets_out_total") / grown("kennel_media_turns_total").max(1.0);
    note_latency(figures, &tally.latency, &hiccups);
    Ok(())
}

fn note_latency(figures: &mut Figures, latency: &Histogram, hiccups: &Histogram) {
    figures.hiccup_p99_ms = ms(hiccups.quantile(0.99));
    figures.hiccup_max_ms = ms(hiccups.max());
    let quiet = hiccups.quantile(0.99) <= HICCUP_MAX;
    let at = |share| quiet.then(|| ms(latency.quantile(share)));
    (figures.latency_p50_ms, figures.latency_p99_ms, figures.latency_p999_ms) = (at(0.5), at(0.99), at(0.999));
    figures.latency_max_ms = quiet.then(|| ms(latency.max()));
}

fn note_joins(figures: &mut Figures, joins: &Histogram) {
    figures.joins = joins.count();
    figures.join_p50_ms = ms(joins.quantile(0.5));
    figures.join_p99_ms = ms(joins.quantile(0.99));
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
