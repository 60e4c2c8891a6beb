use super::*;
use crate::settings::cryptography;

fn keys(profile: SrtpProfile, client: bool) -> Keys {
    let length = match profile {
        SrtpProfile::AEAD_AES_256_GCM => 2 * (32 + 12),
        SrtpProfile::AEAD_AES_128_GCM => 2 * (16 + 12),
        _ => 2 * (16 + 14),
    };
    Keys { profile, material: (0..length).map(|n| n as u8).collect(), client }
}

const PROFILES: [SrtpProfile; 3] = [SrtpProfile::AEAD_AES_256_GCM, SrtpProfile::AEAD_AES_128_GCM, SrtpProfile::AES128_CM_SHA1_80];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn opened(srtp: &mut Srtp, sealed: &[u8]) -> Option<Vec<u8>> {
    let mut report = Vec::new();
    srtp.open_report(sealed, &mut report).map(|_| report)
}

fn seal(srtp: &mut Srtp, header: &[u8], payload: &[u8], ssrc: u32, seq: u64) -> Vec<u8> {
    let mut wire = [b"before", header, payload].concat();
    assert!(srtp.seal(&mut wire, (6, header.len()), ssrc, seq));
    assert_eq!(wire.drain(..6).collect::<Vec<_>>(), b"before");
    wire
}

fn seal_report(srtp: &mut Srtp, report: &[u8]) -> Vec<u8> {
    let mut wire = [b"before", report].concat();
    assert!(srtp.seal_report(&mut wire, 6));
    wire.split_off(6)
}

/// RFC 3711, appendix B.3.
#[test]
fn keys_are_derived_as_the_standard_has_it() {
    let master =
        [hex("E1F97A0D3E018BE0D64FA32C06DE4139"), vec![0; 16], hex("0EC675AD498AFEEBB6960B3AABE6"), vec![0; 14]].concat();
    let keys = Keys { profile: SrtpProfile::AES128_CM_SHA1_80, material: master, client: true };
    let master = Master::<16>::of(&keys, true, 14).unwrap();
    let srtp = cryptography().srtp_provider;
    assert_eq!(master.derive::<16>(srtp, KEY).to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(master.derive::<14>(srtp, SALT).to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(master.derive::<20>(srtp, AUTHENTICATION).to_vec(), hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

/// RFC 7714, section 16.1.1.
#[test]
fn a_packet_is_encrypted_as_the_standard_has_it() {
    let crypto = cryptography();
    let key: [u8; 16] = std::array::from_fn(|n| n as u8);
    let salt = hex("517569642070726f2071756f").try_into().unwrap();
    let out = Gcm::new(&AES_128_GCM, &key, salt).unwrap();
    let spare = || Suite::new(&crypto, &keys(SrtpProfile::AEAD_AES_128_GCM, true), true, true, true).unwrap();
    let mut srtp = Srtp {
        out: Suite::Gcm(out),
        reports_out: spare(),
        reports_in: spare(),
        packets_in: spare(),
        looked_at: Vec::new(),
        index: 0,
    };
    let header = hex("8040f17b8041f8d35501a0b2");
    let sealed = seal(&mut srtp, &header, b"Gallia est omnis divisa in partes tres", 0x5501_a0b2, 0xf17b);
    let expected = "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce";
    assert_eq!(sealed, hex(expected));
}

#[test]
fn a_report_is_read_by_the_other_end_only_and_only_whole() {
    let crypto = cryptography();
    let report: Vec<u8> = [&[0x80, 201, 0, 1, 1, 2, 3, 4][..], &[9; 52]].concat();
    for profile in PROFILES {
        let mut ours = Srtp::new(&crypto, &keys(profile, true)).unwrap();
        let mut theirs = Srtp::new(&crypto, &keys(profile, false)).unwrap();
        let first = seal_report(&mut ours, &report);
        let second = seal_report(&mut ours, &report);
        assert_ne!(first, second, "{profile:?}: the number makes them differ");
        assert_eq!(opened(&mut theirs, &first).as_ref(), Some(&report), "{profile:?}");
        assert_eq!(opened(&mut theirs, &second).as_ref(), Some(&report), "{profile:?}");
        assert_eq!(opened(&mut ours, &first), None, "{profile:?}: each end has a key of its own");
        for length in 0..first.len() {
            assert_eq!(opened(&mut theirs, &first[..length]), None, "{profile:?} {length}");
        }
        for bit in 0..first.len() * 8 {
            let mut bent = first.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opened(&mut theirs, &bent), None, "{profile:?} {bit}");
        }
    }
}

#[test]
fn two_packets_with_the_same_number_differ_after_a_rollover() {
    let crypto = cryptography();
    for profile in PROFILES {
        let mut srtp = Srtp::new(&crypto, &keys(profile, true)).unwrap();
        let mut seal = |seq: u64| seal(&mut srtp, &[0x80; 12], b"the same", 7, seq);
        assert_ne!(seal(5), seal(5 + 0x1_0000), "{profile:?}");
        assert_eq!(seal(5), seal(5), "{profile:?}");
    }
}

#[test]
fn too_little_to_make_keys_of_makes_none() {
    for profile in PROFILES {
        let mut short = keys(profile, true);
        short.material.pop();
        assert!(Srtp::new(&cryptography(), &short).is_none(), "{profile:?}");
    }
}

/// What one end seals the other knows for signed, unless anything of it is changed.
#[test]
fn what_the_client_has_signed_is_told_from_all_else() {
    for profile in PROFILES {
        let crypto = cryptography();
        let (mut client, mut server) =
            (Srtp::new(&crypto, &keys(profile, true)).unwrap(), Srtp::new(&crypto, &keys(profile, false)).unwrap());
        let header = [0x90, 96, 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 0x40, b'1', 0, 0];
        let whole = seal(&mut client, &header, b"picture", 7, 0x1234);
        assert!(server.is_signed(&whole, header.len(), 0), "{profile:?}");
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!server.is_signed(&bytes, header.len(), 0), "{profile:?}, bit {bit}");
        }
        assert!((0..whole.len()).all(|length| !server.is_signed(&whole[..length], header.len(), 0)), "{profile:?}");
        assert!(!server.is_signed(&seal(&mut client, &header, b"picture", 7, 0x1_1234), header.len(), 0), "{profile:?}");
        assert!(server.is_signed(&seal(&mut client, &header, b"picture", 7, 0x1_1234), header.len(), 1), "{profile:?}");
    }
}
