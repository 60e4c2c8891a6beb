//! What a client's transport is told of us: codecs, feedback, limits.

use std::net::SocketAddr;
use std::sync::Arc;

use room::{VideoCodec, View};
use str0m::format::CodecConfig;
use str0m::net::Protocol;
use str0m::{Candidate, RtcConfig};

use super::STATS_INTERVAL;
use crate::limit::{DATA_QUEUED_BYTES_MAX, MESSAGE_BYTES_MAX};
use crate::settings::Settings;

/// The codecs of a client, best first. A mix is of VP8, and takes whatever somebody has to send, though that of which others have nothing
/// comes last.
pub(super) fn codecs_for(room: &[VideoCodec], view: View) -> Vec<VideoCodec> {
    let usual = [VideoCodec::Vp8, VideoCodec::H264];
    let mut codecs = if room.is_empty() { usual.to_vec() } else { room.to_vec() };
    for codec in usual.into_iter().chain([VideoCodec::Vp9]).filter(|_| view == View::Mix) {
        if !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    codecs
}

/// How a client's transport is set up.
pub(super) fn config(settings: &Settings, codecs: &[VideoCodec]) -> RtcConfig {
    let config = RtcConfig::new()
        .set_crypto_provider(Arc::clone(&settings.crypto))
        .set_dtls_cert(settings.certificate.clone())
        .set_rtp_mode(true)
        .set_stats_interval(Some(STATS_INTERVAL))
        .set_sctp_max_message_size(MESSAGE_BYTES_MAX)
        .set_sctp_max_buffered_amount(DATA_QUEUED_BYTES_MAX)
        .clear_codecs()
        .enable_opus(true, false)
        .enable_pcmu(true, false)
        .enable_pcma(true, false);
    let config = codecs.iter().fold(config, |config, codec| match codec {
        VideoCodec::Vp8 => config.enable_vp8(true),
        VideoCodec::H264 => config.enable_h264(true),
        VideoCodec::Vp9 => config.enable_vp9(true),
    });
    without_remb(config)
}

/// An older report on bandwidth, by the receiver. Estimates here come from reports on single packets alone, so nobody need send it.
fn without_remb(mut config: RtcConfig) -> RtcConfig {
    let mut all = config.codec_config().params().to_vec();
    all.iter_mut().for_each(|params| params.set_fb_remb(false));
    *config.codec_config() = CodecConfig::new_from_payload_params(all);
    config
}

/// An address at which clients reach this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// What clients are told, and where their datagrams come to as the engine sees it: where somebody in between translates, the worker
    /// does so too.
    pub at: SocketAddr,
    /// Datagrams or framed TCP.
    pub protocol: Protocol,
}

impl Address {
    pub(super) fn candidate(&self) -> Option<Candidate> {
        match self.protocol {
            Protocol::Udp => Candidate::host(self.at, Protocol::Udp).ok(),
            Protocol::Tcp => Candidate::builder().tcp().host(self.at).tcptype(str0m::net::TcpType::Passive).build().ok(),
            _ => None,
        }
    }
}
