use std::time::Instant;

use str0m::change::SdpOffer;

use super::*;

/// A client with sound and a camera that it changes by stopping the section and giving its place to another.
struct Restless {
    first: String,
    revision: u64,
}

impl Restless {
    fn new() -> Self {
        let mut rtc = Rtc::new(Instant::now());
        let mut api = rtc.sdp_api();
        api.add_media(MediaKind::Audio, Direction::SendRecv, None, Some("mic".into()), None);
        api.add_media(MediaKind::Video, Direction::SendRecv, None, Some("cam".into()), None);
        let (offer, _): (SdpOffer, SdpPendingOffer) = api.apply().unwrap();
        Restless { first: offer.to_sdp_string(), revision: 0 }
    }

    /// Its offer with the `n`th camera, or with that camera's section stopped.
    fn offer(&mut self, n: u32, stopped: bool) -> (u64, String) {
        self.revision += 1;
        let view = View::parse(&self.first);
        let [mic, cam] = &view.sections[..] else { panic!("{view:?}") };
        let (mid, anew) = (format!("a=mid:{}\r", cam.mid), format!("a=mid:c{n}\r"));
        let bundle = if stopped { String::new() } else { format!(" c{n}") };
        let mut text = self.first.replace(&format!("BUNDLE {} {}", mic.mid, cam.mid), &format!("BUNDLE {}{bundle}", mic.mid));
        text = text.replace(&mid, &anew).replace(" cam\r", &format!(" cam{n}\r"));
        for (index, ssrc) in (0_u32..).zip(&cam.ssrcs) {
            text = text.replace(&ssrc.to_string(), &(1_000 + 2 * n + index).to_string());
        }
        if stopped {
            text = text.replace("m=video 9 ", "m=video 0 ");
        }
        (self.revision, text)
    }
}

#[test]
fn a_camera_can_be_changed_again_and_again() {
    str0m::crypto::from_feature_flags().install_process_default();
    let (mut rtc, mut talk, mut client) = (Rtc::new(Instant::now()), Negotiation::new(1), Restless::new());
    talk.want([(TrackId(7), true)].into_iter());
    for n in 0..50 {
        for stopped in [false, true] {
            let (revision, text) = client.offer(n, stopped);
            talk.handle_offer(&mut rtc, revision, &text).unwrap().expect("an answer");
            let ups: Vec<_> =
                talk.ups().map(|(mid, up)| (mid.to_string(), up.label.to_string())).filter(|(_, l)| l != "mic").collect();
            let live = (!stopped).then(|| (format!("c{n}"), format!("cam{n}")));
            assert_eq!(ups, live.into_iter().collect::<Vec<_>>());
            assert_eq!((talk.sections.len(), talk.placements().count()), (2, usize::from(!stopped)), "{n}");
        }
    }
}

#[test]
fn what_is_wanted_already_is_no_reason_for_an_offer() {
    str0m::crypto::from_feature_flags().install_process_default();
    let (mut rtc, mut talk, mut client) = (Rtc::new(Instant::now()), Negotiation::new(1), Restless::new());
    let (revision, text) = client.offer(0, false);
    talk.handle_offer(&mut rtc, revision, &text).unwrap().expect("an answer");
    assert!(talk.make_offer(&mut rtc).is_none(), "nothing is wanted");
    talk.want([].into_iter());
    assert!(!talk.dirty);
    talk.want([(TrackId(7), true)].into_iter());
    assert!(talk.dirty && talk.make_offer(&mut rtc).is_some());
    talk.want([(TrackId(7), true)].into_iter());
    assert!(!talk.dirty);
    talk.want([(TrackId(8), true)].into_iter());
    talk.want([(TrackId(7), true)].into_iter());
    assert!(talk.dirty, "it has to go to another place now");
}
