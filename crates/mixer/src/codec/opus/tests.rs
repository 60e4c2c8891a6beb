use super::*;

fn tone(channels: Channels, samples: usize) -> Vec<f32> {
    (0..samples * channels.count()).map(|n| (n as f32 * 0.06).sin() * 0.3).collect()
}

/// This many packets of one sound.
fn packets(channels: Channels, samples: usize, count: usize) -> Vec<Vec<u8>> {
    let mut encoder = OpusEncoder::new(channels, 48_000, 5).unwrap();
    let encode = |samples: &[f32]| encode(&mut encoder, samples);
    tone(channels, samples * count).chunks(samples * channels.count()).map(encode).collect()
}

fn packet(channels: Channels, samples: usize) -> Vec<u8> {
    packets(channels, samples, 1).remove(0)
}

fn encode(encoder: &mut OpusEncoder, samples: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; PACKET_BYTES_MAX];
    let size = encoder.encode(samples, &mut bytes).unwrap();
    bytes.truncate(size);
    bytes
}

#[test]
fn packets_tell_how_long_they_are() {
    let check = |packet: &[u8], expected: Option<usize>| assert_eq!(packet_samples(packet), expected, "{packet:?}");
    for samples in [120, 240, 480, 960, 1_920, 2_880] {
        check(&packet(Channels::Mono, samples), Some(samples));
    }
    check(&[], None);
    // A configuration and nothing else: a pause of 20 ms.
    check(&[0b0000_1000], Some(960));
    // Two frames of the same size, of an odd number of bytes.
    check(&[0b0000_1001, 1], None);
    check(&[0b0000_1001, 1, 2], Some(1_920));
    // Two frames, the first of which is longer than the packet.
    check(&[0b0000_1010, 9, 2], None);
    // Any number of frames: none, six of 20 ms, seven of them.
    check(&[0b0000_1011, 0], None);
    check(&[0b0000_1011, 6, 1, 2, 3, 4, 5, 6], Some(5_760));
    check(&[0b0000_1011, 7, 1, 2, 3, 4, 5, 6, 7], None);
    check(&[0b0000_1011], None);
}

#[test]
fn what_is_encoded_comes_out() {
    for (sent, heard) in
        [(Channels::Mono, Channels::Mono), (Channels::Stereo, Channels::Mono), (Channels::Mono, Channels::Stereo)]
    {
        let mut decoder = OpusDecoder::new(heard).unwrap();
        let mut samples = vec![0.0; 960 * heard.count()];
        for packet in packets(sent, 960, 3) {
            assert_eq!(decoder.decode(&packet, &mut samples), Ok(960));
        }
        let power = samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32;
        assert!((0.01..0.1).contains(&power), "{power}");
    }
}

#[test]
fn what_is_no_packet_is_refused() {
    let mut decoder = OpusDecoder::new(Channels::Mono).unwrap();
    let mut samples = vec![0.0; 960];
    assert_eq!(decoder.decode(&[], &mut samples), Err(CodecError::Broken));
    assert_eq!(decoder.decode(&[0b0000_1001, 1], &mut samples), Err(CodecError::Broken));
    assert_eq!(decoder.decode(&packet(Channels::Mono, 1_920), &mut samples), Err(CodecError::Broken), "no room");
    assert_eq!(decoder.conceal(&mut samples[..100]), Err(CodecError::Broken));
    assert_eq!(decoder.conceal(&mut samples), Ok(960));
    assert_eq!(decoder.recover(&packet(Channels::Mono, 960), &mut samples), Ok(960));
    decoder.reset();
}

#[test]
fn an_encoder_refuses_what_it_cannot_do() {
    assert!(OpusEncoder::new(Channels::Mono, 48_000, 11).is_err());
    assert!(OpusEncoder::new(Channels::Mono, u32::MAX, 5).is_err());
    let mut encoder = OpusEncoder::new(Channels::Mono, 48_000, 5).unwrap();
    assert_eq!(encoder.set_loss(101), Err(CodecError::Setup));
    assert_eq!(encoder.set_loss(10), Ok(()));
    assert!(encoder.encode(&tone(Channels::Mono, 961), &mut [0; 100]).is_err());
    assert!(encoder.encode(&tone(Channels::Mono, 960), &mut []).is_err());
}

/// The power of a packet that was lost, as the one after it tells.
fn recovered(loss: u8) -> f32 {
    let mut encoder = OpusEncoder::new(Channels::Mono, 32_000, 5).unwrap();
    encoder.set_loss(loss).unwrap();
    // Silence, then sound: whoever has not got where it begins cannot guess it.
    let sound = |n: usize| tone(Channels::Mono, 960).iter().map(|s| if n >= 30 { *s } else { 0.0 }).collect::<Vec<f32>>();
    let packets: Vec<Vec<u8>> = (0..32).map(|n| encode(&mut encoder, &sound(n))).collect();
    let mut decoder = OpusDecoder::new(Channels::Mono).unwrap();
    let mut samples = vec![0.0; 960];
    for packet in &packets[..30] {
        decoder.decode(packet, &mut samples).unwrap();
    }
    decoder.recover(&packets[31], &mut samples).unwrap();
    samples.iter().map(|s| s * s).sum::<f32>() / 960.0
}

#[test]
fn a_lost_packet_is_in_the_next_one_where_losses_are_expected() {
    assert!(recovered(20) > 100.0 * recovered(0).max(1e-6), "{} {}", recovered(20), recovered(0));
}
