//! The few lines of a description that we read and write ourselves (RFC 8866, RFC 8829). The WebRTC library reads and writes the rest:
//! it knows neither the SSRC groups of legacy simulcast nor that a section carries one track after another.

mod outline;

use outline::{Outline, kind_of};
use room::MediaRefusal;

use crate::limit;

/// What a section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// Messages, or something that we do not know.
    Other,
}

/// A description, as far as we look into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// In the order of the text.
    pub sections: Vec<SectionView>,
}

/// One section of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionView {
    /// Its name (RFC 5888).
    pub mid: String,
    /// What it is for.
    pub kind: SectionKind,
    /// Whether it is closed for good: no port, and not part of the bundle (RFC 9143, section 7.5.3).
    pub rejected: bool,
    /// Whether who wrote it wants to send here.
    pub sends: bool,
    /// Whether who wrote it wants to receive here.
    pub receives: bool,
    /// The second word of the msid (RFC 8830). Stale where nothing is sent.
    pub msid: Option<String>,
    /// Sources, with their repairs, in the order of the text (RFC 5576).
    pub ssrcs: Vec<u32>,
    /// Source and repair (RFC 4588, section 8.7).
    pub fid: Vec<(u32, u32)>,
    /// Layers of legacy simulcast, smallest first.
    pub sim: Vec<u32>,
    /// Layers of standard simulcast that it sends (RFC 8853), in the order of the text.
    pub rids: Vec<String>,
}

/// What one of our sections shall say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The track that we send here.
    pub send: Option<SendShape>,
    /// Whether we receive here.
    pub receive: bool,
}

/// The name of a stream that is none (RFC 8830, section 2).
pub const NO_STREAM: &str = "-";

/// A track that we send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendShape {
    /// The stream that it is part of. What is part of the same one is played in step.
    pub stream: &'static str,
    /// How the client knows it.
    pub label: String,
    /// Its source.
    pub ssrc: u32,
    /// The repairs' source.
    pub rtx: Option<u32>,
}

/// Whether a client's description keeps the limits and has what a transport needs. Whether the rest makes sense is for the library to say.
///
/// # Errors
/// [`MediaRefusal::Description`], with what is wrong.
pub fn check(sdp: &str) -> Result<(), MediaRefusal> {
    // The cheapest first: what is too much is not looked into.
    let flaw = match () {
        () if sdp.len() > limit::SDP_BYTES_MAX => Some("The description is too large"),
        () if !sdp.starts_with("v=0") => Some("The description is none"),
        () => Outline::of(sdp).flaw(),
    };
    let flaw = flaw.or_else(|| (!sources_fit(sdp)).then_some("A section of the description has too many sources"));
    flaw.map_or(Ok(()), |flaw| Err(MediaRefusal::Description(flaw)))
}

/// Whether a description has one of these codecs, by their names in it, in any section for sound or pictures. One that has no such section
/// needs none.
pub fn shares_codec(sdp: &str, known: impl Fn(&str) -> bool) -> bool {
    let name = |line: &str| line.strip_prefix("a=rtpmap:").and_then(|map| map.split([' ', '/']).nth(1)).is_some_and(&known);
    let media = |kind| matches!(kind, Some(SectionKind::Audio | SectionKind::Video));
    let mut kinds = sdp.lines().filter_map(|line| line.strip_prefix("m=")).map(kind_of);
    !kinds.any(media) || sdp.lines().any(name)
}

/// The description without the addresses that the client gives for itself: media goes only to where an answered check came from, so
/// nobody can make this server send to somebody else.
#[must_use]
pub fn without_candidates(sdp: &str) -> String {
    let keep = |line: &&str| !(line.starts_with("a=candidate:") || line.starts_with("a=remote-candidates:"));
    let mut text = String::with_capacity(sdp.len());
    for line in sdp.lines().filter(keep) {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text
}

impl View {
    /// Reads a description. What cannot be read is left out.
    #[must_use]
    pub fn parse(sdp: &str) -> View {
        let mut view = View::default();
        let bundle = sdp.lines().find_map(|line| line.strip_prefix("a=group:BUNDLE"));
        let bundled = |mid: &str| bundle.is_some_and(|mids| mids.split_ascii_whitespace().any(|one| one == mid));
        for line in sdp.lines() {
            let line = line.trim_end();
            if let Some(media) = line.strip_prefix("m=") {
                view.sections.push(SectionView::begin(media));
            } else if let Some(section) = view.sections.last_mut() {
                section.read(line);
            }
        }
        view.sections.iter_mut().for_each(|section| section.rejected &= !bundled(&section.mid));
        view
    }

    /// The section of this name.
    #[must_use]
    pub fn section(&self, mid: &str) -> Option<&SectionView> {
        self.sections.iter().find(|section| section.mid == mid)
    }
}

impl SectionView {
    fn begin(media: &str) -> Self {
        let kind = match media.split(' ').next() {
            Some("audio") => SectionKind::Audio,
            Some("video") => SectionKind::Video,
            _ => SectionKind::Other,
        };
        SectionView {
            mid: String::new(),
            kind,
            rejected: media.split(' ').nth(1) == Some("0"),
            sends: true,
            receives: true,
            msid: None,
            ssrcs: Vec::new(),
            fid: Vec::new(),
            sim: Vec::new(),
            rids: Vec::new(),
        }
    }

    fn read(&mut self, line: &str) {
        let Some(attribute) = line.strip_prefix("a=") else { return };
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "mid" => self.mid = value.to_owned(),
            "sendrecv" | "sendonly" | "recvonly" | "inactive" => {
                self.sends = name.starts_with("send");
                self.receives = name.ends_with("recv") || name == "recvonly";
            }
            "msid" => self.msid = value.split(' ').nth(1).map(str::to_owned),
            "ssrc" => self.add_ssrc(value.split(' ').next().and_then(|word| word.parse().ok())),
            "ssrc-group" => self.read_group(value),
            "rid" if value.split(' ').nth(1) == Some("send") => self.rids.extend(value.split(' ').next().map(str::to_owned)),
            _ => {}
        }
    }

    fn read_group(&mut self, value: &str) {
        let mut words = value.split(' ');
        let semantics = words.next();
        let ssrcs: Vec<u32> = words.filter_map(|word| word.parse().ok()).collect();
        match (semantics, ssrcs.as_slice()) {
            (Some("FID"), &[source, repair]) if self.fid.len() < limit::SSRCS_PER_SECTION_MAX => self.fid.push((source, repair)),
            (Some("SIM"), layers) => self.sim = layers.iter().copied().take(limit::LAYERS_MAX).collect(),
            _ => {}
        }
    }

    /// One more than there may be is enough to tell that there are too many.
    fn add_ssrc(&mut self, ssrc: Option<u32>) {
        let ssrc = ssrc.filter(|_| self.ssrcs.len() <= limit::SSRCS_PER_SECTION_MAX);
        self.ssrcs.extend(ssrc.filter(|ssrc| !self.ssrcs.contains(ssrc)));
    }

    /// The sources that carry this section's track, smallest layer first. Without a group only the first: whatever else is
    /// announced would be a second track in one section.
    #[must_use]
    pub fn layers(&self) -> Vec<u32> {
        if !self.sim.is_empty() {
            return self.sim.clone();
        }
        let repairs = |ssrc: &&u32| self.fid.iter().any(|(_, repair)| repair == *ssrc);
        self.ssrcs.iter().find(|ssrc| !repairs(ssrc)).copied().into_iter().collect()
    }

    /// Names of the layers of standard simulcast, smallest first. Writers list them either way round; the customary names tell.
    #[must_use]
    pub fn rids_smallest_first(&self) -> Vec<String> {
        let mut rids: Vec<String> = self.rids.iter().take(limit::LAYERS_MAX).cloned().collect();
        if rids.first().is_some_and(|first| ["f", "hi", "high", "h", "2"].contains(&first.as_str())) && rids.len() > 1 {
            rids.reverse();
        }
        rids
    }
}

/// Our description with directions, msids and sources replaced by what `shape` says of each section. Sections that it says nothing of
/// stay as they are. Never touches the port: a client rejects the whole description when the section with the transport has none. `name`:
/// ours (RFC 3550, section 6.5.1), of all sources.
pub fn rewrite(sdp: &str, name: &str, shape: impl Fn(&str) -> Option<Shape>) -> String {
    let mut parts = sdp.split("\r\nm=");
    let mut text = String::with_capacity(sdp.len() + 256);
    text.push_str(parts.next().unwrap_or_default().trim_end());
    text.push_str("\r\n");
    for part in parts {
        let mid = part.lines().find_map(|line| line.strip_prefix("a=mid:")).unwrap_or_default();
        text.push_str("m=");
        match shape(mid) {
            Some(shape) => rewrite_section(part, name, &shape, &mut text),
            None => {
                text.push_str(part.trim_end());
                text.push_str("\r\n");
            }
        }
    }
    text
}

/// Our answer with each video section's payload types in the order in which the client offered them: a sender takes the first, and the
/// app's choice of codec stands in that order.
pub fn prefer_codecs_of(answer: &str, offer: &str) -> String {
    let mut text = String::with_capacity(answer.len());
    let offered = offer.lines().filter(|line| line.starts_with("m="));
    let mut offered = offered.map(payload_types);
    for line in answer.lines() {
        let own = line.starts_with("m=").then(|| offered.next()).flatten();
        match own.filter(|_| line.starts_with("m=video")) {
            Some(order) => text.push_str(&reorder(line, &order)),
            None => text.push_str(line),
        }
        text.push_str("\r\n");
    }
    text
}

/// A description in which this codec, and repairs of it, come last wherever there are others.
#[must_use]
pub fn codec_last(sdp: &str, codec: &str) -> String {
    let section = |(n, section): (usize, &str)| {
        // What is before the first section is none.
        let Some((media, attributes)) = section.split_once("\r\n").filter(|_| n > 0) else { return section.to_owned() };
        let values = |name| attributes.lines().filter_map(move |line| line.strip_prefix(name)?.trim_end().split_once(' '));
        let is_codec = |(_, name): &(&str, &str)| name.split('/').next().is_some_and(|name| name.eq_ignore_ascii_case(codec));
        let mut last: Vec<&str> = values("a=rtpmap:").filter(is_codec).map(|(pt, _)| pt).collect();
        let repairs = values("a=fmtp:").filter(|(_, what)| what.strip_prefix("apt=").is_some_and(|of| last.contains(&of)));
        let repairs: Vec<&str> = repairs.map(|(pt, _)| pt).collect();
        last.extend(repairs);
        let (late, soon): (Vec<&str>, Vec<&str>) = payload_types(media).into_iter().partition(|pt| last.contains(pt));
        format!("{}\r\n{attributes}", reorder(media, &[soon, late].concat()))
    };
    sdp.split("\r\nm=").enumerate().map(section).collect::<Vec<_>>().join("\r\nm=")
}

/// A description with its sections for sound first, each kind in its order. Some clients put the sections of an answer in the order of
/// their own offer, and take the first one for sound.
#[must_use]
pub fn sound_first(sdp: &str) -> String {
    let mut parts = sdp.split("\r\nm=");
    let head = parts.next().unwrap_or_default().trim_end();
    let (sound, others): (Vec<&str>, Vec<&str>) = parts.partition(|part| part.starts_with("audio"));
    let mut text = head.to_owned();
    for part in sound.iter().chain(&others) {
        text.push_str("\r\nm=");
        text.push_str(part.trim_end());
    }
    text.push_str("\r\n");
    text
}

fn payload_types(media: &str) -> Vec<&str> {
    media.trim_end().split(' ').skip(3).collect()
}

fn reorder(line: &str, order: &[&str]) -> String {
    let head: Vec<&str> = line.split(' ').take(3).collect();
    let mut own = payload_types(line);
    own.sort_by_key(|pt| order.iter().position(|offered| offered == pt).unwrap_or(usize::MAX));
    format!("{} {}", head.join(" "), own.join(" "))
}

fn rewrite_section(section: &str, name: &str, shape: &Shape, text: &mut String) {
    let ours = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive", "a=msid:", "a=ssrc"];
    for line in section.lines().filter(|line| !ours.iter().any(|own| line.starts_with(own))) {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str(match (shape.send.is_some(), shape.receive) {
        (true, true) => "a=sendrecv\r\n",
        (true, false) => "a=sendonly\r\n",
        (false, true) => "a=recvonly\r\n",
        (false, false) => "a=inactive\r\n",
    });
    if let Some(send) = &shape.send {
        write_source(send, name, text);
    }
}

fn write_source(send: &SendShape, cname: &str, text: &mut String) {
    text.push_str(&format!("a=msid:{} {}\r\n", send.stream, send.label));
    if let Some(rtx) = send.rtx {
        text.push_str(&format!("a=ssrc-group:FID {} {rtx}\r\n", send.ssrc));
    }
    for ssrc in std::iter::once(send.ssrc).chain(send.rtx) {
        text.push_str(&format!("a=ssrc:{ssrc} cname:{cname}\r\n"));
    }
}

fn sources_fit(sdp: &str) -> bool {
    View::parse(sdp).sections.iter().all(|section| section.ssrcs.len() <= limit::SSRCS_PER_SECTION_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 AA:BB\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendrecv\r\na=msid:- mic\r\na=ssrc:1 cname:x\r\na=ssrc:1 msid:- mic\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=sendonly\r\na=msid:- cam\r\na=ssrc-group:FID 10 20\r\na=ssrc-group:FID 11 21\r\n\
        a=ssrc-group:FID 12 22\r\na=ssrc-group:SIM 10 11 12\r\na=ssrc:10 cname:x\r\na=ssrc:20 cname:x\r\na=ssrc:11 cname:x\r\na=ssrc:21 cname:x\r\n\
        a=ssrc:12 cname:x\r\na=ssrc:22 cname:x\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n";

    #[test]
    fn layers_come_from_the_group_or_are_one() {
        let view = View::parse(OFFER);
        assert_eq!(view.sections.len(), 3);
        let (audio, video) = (view.section("0").unwrap(), view.section("1").unwrap());
        assert_eq!((audio.layers(), audio.msid.as_deref()), (vec![1], Some("mic")));
        assert_eq!((video.layers(), video.sends, video.receives), (vec![10, 11, 12], true, false));
        let plain = View::parse(&OFFER.replace("a=ssrc-group:SIM 10 11 12\r\n", ""));
        assert_eq!(plain.section("1").unwrap().layers(), vec![10]);
    }

    #[test]
    fn rids_are_sorted_by_their_customary_names() {
        let check = |lines: &str, expected: &[&str]| {
            let view = View::parse(&format!("m=video 9 x 96\r\n{lines}"));
            assert_eq!(view.sections[0].rids_smallest_first(), expected);
        };
        check("a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\n", &["q", "h", "f"]);
        check("a=rid:f send\r\na=rid:h send\r\na=rid:q send\r\n", &["q", "h", "f"]);
        check("a=rid:0 send\r\na=rid:1 send\r\na=rid:x recv\r\n", &["0", "1"]);
    }

    #[test]
    fn a_section_says_only_what_we_want_it_to() {
        let shape = |mid: &str| match mid {
            "0" => Some(Shape { send: None, receive: true }),
            "1" => {
                let send = SendShape { stream: NO_STREAM, label: "t-1".into(), ssrc: 7, rtx: Some(8) };
                Some(Shape { send: Some(send), receive: false })
            }
            _ => None,
        };
        let text = rewrite(OFFER, "us", shape);
        let view = View::parse(&text);
        assert_eq!((view.sections[0].sends, view.sections[0].receives, view.sections[0].msid.clone()), (false, true, None));
        assert_eq!((view.sections[1].msid.as_deref(), &*view.sections[1].fid), (Some("t-1"), &[(7, 8)][..]));
        assert_eq!(view.sections[1].ssrcs, [7, 8]);
        assert!(text.contains("a=sctp-port:5000\r\n") && text.starts_with("v=0\r\n") && !text.contains("\r\n\r\n"));
        assert_eq!(text.matches(" cname:us\r\n").count(), 2);
        assert_eq!(rewrite(&text, "us", shape), text);
    }

    #[test]
    fn the_client_says_which_codec_comes_first() {
        let answer = "v=0\r\nm=audio 9 P 111\r\nm=video 9 P 96 97 102 103\r\na=mid:1\r\n";
        let offer = "v=0\r\nm=audio 9 P 9 111\r\nm=video 9 P 102 103 45 96 97\r\n";
        assert_eq!(prefer_codecs_of(answer, offer), answer.replace("96 97 102 103", "102 103 96 97"));
    }

    #[test]
    fn what_others_have_nothing_of_comes_last() {
        let map = "a=rtpmap:96 VP9/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:98 VP8/90000\r\n";
        let answer = format!("v=0\r\nm=audio 9 P 111\r\na=rtpmap:111 opus/48000\r\nm=video 9 P 96 97 98\r\n{map}");
        assert_eq!(codec_last(&answer, "VP9"), answer.replace("96 97 98", "98 96 97"));
        assert_eq!(codec_last(&answer, "H264"), answer);
        assert_eq!(codec_last("", "VP9"), "");
    }

    #[test]
    fn sound_comes_first() {
        let check = |text: &str, expected: &str| assert_eq!(sound_first(text), expected);
        let (head, sound, picture) =
            ("v=0\r\na=group:BUNDLE 0 1\r\n", "m=audio 9 P 111\r\na=mid:1\r\n", "m=video 9 P 96\r\na=mid:0\r\n");
        check(&format!("{head}{picture}{sound}"), &format!("{head}{sound}{picture}"));
        check(&format!("{head}{sound}{picture}"), &format!("{head}{sound}{picture}"));
        check("", "\r\n");
    }

    #[test]
    fn addresses_of_the_client_do_not_get_in() {
        let text = without_candidates("v=0\r\nm=audio 9 x 0\r\na=candidate:1 1 udp 1 10.0.0.1 53 typ host\r\na=mid:0\r\n");
        assert_eq!(text, "v=0\r\nm=audio 9 x 0\r\na=mid:0\r\n");
    }

    #[test]
    fn what_breaks_a_limit_is_refused() {
        let refuse = |sdp: &str| {
            let why = check(sdp);
            assert!(matches!(why, Err(MediaRefusal::Description(_))), "{why:?} {}", sdp.get(..60).unwrap_or(sdp));
        };
        assert_eq!(check(OFFER), Ok(()));
        refuse("");
        refuse("{}");
        refuse(&format!("v=0\r\na={}\r\n", "x".repeat(limit::SDP_LINE_BYTES_MAX)));
        refuse(&format!("v=0\r\n{}", "m=audio 9 x 0\r\n".repeat(limit::SDP_SECTIONS_MAX + 1)));
        refuse(&format!("v=0\r\n{}", "a=candidate:1\r\n".repeat(limit::SDP_CANDIDATES_MAX + 1)));
        let many: String = (0..=limit::SSRCS_PER_SECTION_MAX).map(|n| format!("a=ssrc:{n} cname:x\r\n")).collect();
        refuse(&format!("v=0\r\nm=video 9 x 96\r\n{many}"));
        refuse("v=0\r\na=fingerprint:sha-1 AA\r\n");
        refuse(&format!("v=0\r\na={}\r\n", "x".repeat(1 << 20)));
        let hundred = |lines: &str| format!("v=0\r\nm=video 9 x 96\r\n{}", lines.repeat(100));
        refuse(&hundred("m=video 9 x 96\r\na=mid:x\r\n").repeat(100));
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let check = |sdp: &str, part: &str| {
            let Err(MediaRefusal::Description(why)) = check(sdp) else { panic!("{part}: {sdp}") };
            assert!(why.contains(part), "{why}");
        };
        check("", "is none");
        check(&OFFER.replace("a=ice-ufrag:abcd\r\n", ""), "ICE name");
        check(&OFFER.replace("a=ice-pwd", "a=pwd"), "password");
        check(&OFFER.replace("a=fingerprint", "a=print"), "fingerprint");
        check(&OFFER.replace("sha-256", "sha-1"), "SHA-256");
        check(&OFFER.replace("BUNDLE 0 1 2", "BUNDLE 0 1 2 3"), "bundles");
        check(&OFFER.split("m=").next().unwrap_or_default().replace(" 0 1 2", ""), "no section");
        check(&format!("{OFFER}{}", "m=audio 9 x 0\r\n".repeat(200)), "too many sections");
        check(&format!("{OFFER}{}", "a=candidate:1\r\n".repeat(65)), "too many candidates");
        check(&format!("{OFFER}a={}\r\n", "x".repeat(9_000)), "too long");
    }

    #[test]
    fn a_description_shares_a_codec_or_needs_none() {
        let check = |sdp: &str, expected: bool| assert_eq!(shares_codec(sdp, |name| name.eq_ignore_ascii_case("vp8")), expected);
        let section = |kind: &str, codec: &str| format!("m={kind} 9 P 96\r\na=rtpmap:96 {codec}/90000\r\n");
        check(&section("video", "VP8"), true);
        check(&section("video", "FOO"), false);
        check(&format!("{}{}", section("audio", "FOO"), section("video", "VP8")), true);
        check("m=video 9 P 96\r\n", false);
        check("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", true);
    }

    #[test]
    fn of_very_many_sources_only_so_many_are_kept() {
        let many: String = (0..20_000).map(|n| format!("a=ssrc:{n} cname:x\r\na=ssrc-group:FID {n} {n}\r\n")).collect();
        let many = format!("v=0\r\nm=video 9 x 96\r\n{many}");
        let section = &View::parse(&many).sections[0];
        assert_eq!((section.ssrcs.len(), section.fid.len()), (limit::SSRCS_PER_SECTION_MAX + 1, limit::SSRCS_PER_SECTION_MAX));
    }
}
