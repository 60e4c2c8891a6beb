//! One measurement, from the server's start to its end.

use std::io;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::field::{Field, Joiner, Terms};
use crate::hiccup::{HICCUP_MAX, Meter};
use crate::histogram::Histogram;
use crate::net::time_of_day;
use crate::recorded;
use crate::report::Figures;
use crate::scenario::{Kind, Scenario};
use crate::server::{Choice, Server, datagrams_dropped, load_average, own_cpu};
use crate::settings::Settings;
use crate::signal::{Door, room_name};
use crate::tally::Tally;

/// Until an idle server's memory is looked at.
const SETTLE: Duration = Duration::from_millis(500);

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
/// The server does not start or ends before it should, a client failed, or a signal came ([`io::ErrorKind::Interrupted`]).
pub fn run(choice: &Choice, scenario: &Scenario, round: u32) -> io::Result<Figures> {
    let (unix_s, load) = (time_of_day().as_secs(), load_average());
    let mut server = Server::start(choice, scenario.mix_file)?;
    let mut figures = Figures {
        server: choice.door.name().to_owned(),
        scenario: scenario.name(),
        kind: kind_name(scenario.kind),
        receivers: scenario.receivers(),
        round,
        rooms: scenario.rooms(),
        unix_s,
        load,
        settings: Settings::of(choice, scenario),
        ..Figures::default()
    };
    measure(&server, choice, scenario, &mut figures).map_err(|problem| server.why_failed(problem))?;
    if scenario.recorded {
        let count = recorded::count(&server.end()?)?;
        (figures.recorded_files, figures.recorded_frames, figures.recorded_lost) = (count.files, count.frames, count.lost);
        figures.recorded_pictures_per_s = count.pictures_per_s();
    }
    Ok(figures)
}

/// Everybody comes, is measured and goes.
fn measure(server: &Server, choice: &Choice, scenario: &Scenario, figures: &mut Figures) -> io::Result<()> {
    let (door, http, ip, drill) = (choice.door, server.http, choice.ip, scenario.drill());
    let (loss_percent, seed) = (scenario.loss_percent, scenario.seed.wrapping_add(u64::from(figures.round)));
    let mut field = Field::new(Terms { door, http, ip, drill, loss_percent, seed })?;
    field.run_for(SETTLE)?;
    make_rooms(server, choice, scenario)?;
    let idle = server.memory();
    (figures.rss_idle_kb, figures.own_idle_kb) = (idle.resident_kb, idle.own_kb);
    join(&mut field, &scenario.senders(), scenario)?;
    if scenario.kind == Kind::Storm {
        storm(server, &mut field, scenario, figures)?;
    } else {
        join(&mut field, &scenario.viewers(), scenario)?;
        figures.complete = field.run_until_complete(COMPLETE_TIMEOUT)?;
        field.run_for(scenario.warm_up)?;
        note_joins(figures, &field, 0);
        window(server, &mut field, Duration::from_secs(scenario.seconds), figures)?;
    }
    if scenario.is_mixed {
        figures.cores_per_mix = Some(figures.server_cores / scenario.rooms() as f64);
    }
    figures.clients = field.participants();
    let memory = server.memory();
    let each = |now: u64, idle: u64| now.saturating_sub(idle) as f64 / field.participants().max(1) as f64;
    (figures.rss_kb, figures.own_kb) = (memory.resident_kb, memory.own_kb);
    figures.kb_per_client = each(memory.resident_kb, idle.resident_kb);
    figures.own_kb_per_client = each(memory.own_kb, idle.own_kb);
    Ok(())
}

/// What a load is called on the command line.
fn kind_name(kind: Kind) -> String {
    kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Rooms that are not as they come by themselves.
fn make_rooms(server: &Server, choice: &Choice, scenario: &Scenario) -> io::Result<()> {
    if choice.door == Door::Signalwire && scenario.recorded {
        return (0..scenario.rooms()).try_for_each(|room| server.make_recorded_mix(&room_name(room)));
    }
    let option = match scenario.kind {
        _ if choice.door != Door::Kennel => return Ok(()),
        _ if scenario.recorded => ("RecordParticipantsOnConnect", true),
        Kind::Sound => ("AudioOnly", true),
        _ => return Ok(()),
    };
    (0..scenario.rooms()).try_for_each(|room| server.make_room(&room_name(room), option))
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
    field.run_for(scenario.warm_up)?;
    let (before, arrived, since, start) = (server.cpu()?, field.arrived(), field.connections(), Instant::now());
    join(field, &scenario.viewers(), scenario)?;
    figures.complete = field.run_until_complete(COMPLETE_TIMEOUT)?;
    let (used, arrived, wall) = (server.cpu()? - before, field.arrived() - arrived, start.elapsed());
    note_joins(figures, field, since);
    window(server, field, CALM.min(Duration::from_secs(scenario.seconds)), figures)?;
    // What a mix costs does not depend on how many get it, nearly.
    let rest_ms = match scenario.is_mixed {
        true => figures.server_cores * ms(wall),
        false => figures.cpu_us_per_packet * arrived as f64 / 1e3,
    };
    figures.cpu_ms_per_join = Some((ms(used) - rest_ms) / scenario.subscribers.max(1) as f64);
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
    figures.dropped_late = grown("kennel_media_dropped_late_total") as u64;
    figures.datagrams_per_send = grown("kennel_media_datagrams_out_total") / grown("kennel_media_sends_total").max(1.0);
    figures.packets_per_turn = grown("kennel_media_packets_out_total") / grown("kennel_media_turns_total").max(1.0);
    let mixed = grown("kennel_media_mixed_pictures_total");
    figures.mixed_pictures_per_s = (mixed > 0.0).then_some(mixed / seconds);
    figures.frames_per_s = (tally.pictures > 0).then(|| tally.frames as f64 / seconds / tally.pictures as f64);
    note_waits(figures, &tally);
    note_latency(figures, &tally.meters.latency, &hiccups);
    Ok(())
}

/// How long was waited for what was asked for.
fn note_waits(figures: &mut Figures, tally: &Tally) {
    let at = |waits: &Histogram, share| (waits.count() > 0).then(|| ms(waits.quantile(share)));
    let (switched, keyed) = (&tally.meters.switched, &tally.meters.keyed);
    figures.switches_done = switched.count();
    (figures.switch_p50_ms, figures.switch_p99_ms) = (at(switched, 0.5), at(switched, 0.99));
    figures.keys_done = keyed.count();
    (figures.key_p50_ms, figures.key_p99_ms) = (at(keyed, 0.5), at(keyed, 0.99));
}

fn note_latency(figures: &mut Figures, latency: &Histogram, hiccups: &Histogram) {
    figures.hiccup_p99_ms = ms(hiccups.quantile(0.99));
    figures.hiccup_max_ms = ms(hiccups.max());
    let quiet = hiccups.quantile(0.99) <= HICCUP_MAX && latency.count() > 0;
    let at = |share| quiet.then(|| ms(latency.quantile(share)));
    (figures.latency_p50_ms, figures.latency_p99_ms, figures.latency_p999_ms) = (at(0.5), at(0.99), at(0.999));
    figures.latency_max_ms = quiet.then(|| ms(latency.max()));
}

fn note_joins(figures: &mut Figures, field: &Field, since: usize) {
    let (joins, pictures) = (field.joins(since), field.joins_to_picture(since));
    figures.joins = joins.count();
    figures.join_p50_ms = ms(joins.quantile(0.5));
    figures.join_p99_ms = ms(joins.quantile(0.99));
    figures.join_picture_p50_ms = (pictures.count() > 0).then(|| ms(pictures.quantile(0.5)));
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
