//! The certificate for the home network: kept in the data folder, issued again when the machine's addresses change or it grows old.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::Authority;
use super::authority::Signer;
use super::names::Names;
use super::pem::{self, Certified};
use crate::keyring::files;
use crate::net::Lan;

/// The authority's certificate and key, in one file so that there is never one without the other.
pub const AUTHORITY_FILE: &str = "authority.pem";
/// The leaf, the authority's certificate again, and the leaf's key.
const LEAF_FILE: &str = "leaf.pem";

/// Why the certificate for the home network cannot be had. `Display` says what to do.
#[derive(Debug)]
pub enum LanProblem {
    /// The system refused a file or the folder.
    Io(PathBuf, io::Error),
    /// The authority's file is not as Kennel wrote it.
    Damaged(PathBuf, String),
    /// The cryptographic library refused.
    Crypto(String),
}

/// Issues the certificate for the home network.
pub struct LanIssuer {
    folder: PathBuf,
    signer: Signer,
    announce: Option<IpAddr>,
}

impl LanIssuer {
    /// Opens the authority of this folder, or makes one. One whose ten years are over is replaced.
    ///
    /// # Errors
    /// [`LanProblem`]. A damaged file is left as it is.
    pub fn open(folder: &Path, lan: &Lan, announce: Option<IpAddr>, now: i64) -> Result<Self, LanProblem> {
        files::make_folder(folder).map_err(|problem| LanProblem::Io(folder.to_owned(), problem))?;
        let path = folder.join(AUTHORITY_FILE);
        let kept = files::read_text(&path).map_err(|problem| LanProblem::Io(path.clone(), problem))?;
        let kept = kept.map(|text| Signer::parse(&text)).transpose();
        let signer = match kept.map_err(|problem| LanProblem::Damaged(path.clone(), problem))? {
            Some(signer) if now <= signer.span.ends => signer,
            ended => make_authority(&path, lan, now, ended.is_some())?,
        };
        Ok(Self { folder: folder.to_owned(), signer, announce })
    }

    /// The authority's public part.
    pub fn authority(&self) -> &Authority {
        &self.signer.authority
    }

    /// The certificate for the machine as it is now: the kept one as long as it serves, else a new one under the same key.
    ///
    /// # Errors
    /// [`LanProblem`]; a kept one that still holds can go on being used.
    pub fn certificate(&self, lan: &Lan, now: i64) -> Result<Certified, LanProblem> {
        let path = self.folder.join(LEAF_FILE);
        let kept = files::read_text(&path).map_err(|problem| LanProblem::Io(path.clone(), problem))?;
        let wanted = Names::wanted(lan, self.announce, &self.signer.permitted);
        // A damaged leaf is no loss: the next one is as good.
        let kept_leaf = kept.as_deref().and_then(|text| pem::certified(text, text).ok());
        let earlier = kept_leaf.as_ref().map(|leaf| self.names_of(leaf)).unwrap_or_default();
        match kept_leaf {
            Some(leaf) if earlier.cover(&wanted) && self.still_serves(&leaf, now) => Ok(leaf),
            _ => self.renew(&path, &wanted.and_earlier(&earlier), kept.as_deref(), now),
        }
    }

    fn still_serves(&self, leaf: &Certified, now: i64) -> bool {
        leaf.span.holds(now) && !leaf.span.is_old(now) && self.signer.signed(&leaf.key.cert[0])
    }

    fn names_of(&self, leaf: &Certified) -> Names {
        pem::with_parsed(&leaf.key.cert[0], pem::names_of).unwrap_or_default()
    }

    fn renew(&self, path: &Path, names: &Names, kept: Option<&str>, now: i64) -> Result<Certified, LanProblem> {
        let key = kept.and_then(|text| pem::key_pair(text).ok());
        let issued = self.signer.issue(names, key, now).map_err(LanProblem::Crypto)?;
        let leaf = pem::certified(&issued.chain, &issued.key).map_err(LanProblem::Crypto)?;
        let text = format!("{}{}", issued.chain, issued.key);
        files::replace(path, text.as_bytes()).map_err(|problem| LanProblem::Io(path.to_owned(), problem))?;
        tracing::info!(addresses = names.ips.len(), "issued a certificate for this network");
        Ok(leaf)
    }
}

fn make_authority(path: &Path, lan: &Lan, now: i64, ended: bool) -> Result<Signer, LanProblem> {
    let (signer, text) = Signer::make(lan.host.as_deref(), now).map_err(LanProblem::Crypto)?;
    files::replace(path, text.as_bytes()).map_err(|problem| LanProblem::Io(path.to_owned(), problem))?;
    if ended {
        tracing::warn!("Kennel's certificate authority has ended and was replaced: phones have to trust the new one");
    }
    Ok(signer)
}

impl fmt::Display for LanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, problem) => write!(
                f,
                "Kennel cannot use {}: {problem}. Let its user read and write there, or choose another folder with --data.",
                path.display()
            ),
            Self::Damaged(path, problem) => write!(
                f,
                "{} is damaged: {problem}. Bring it back from a copy, or delete it; phones then have to trust Kennel anew.",
                path.display()
            ),
            Self::Crypto(problem) => write!(f, "Kennel cannot make its certificate: {problem}."),
        }
    }
}

impl std::error::Error for LanProblem {}
