//! A temporary folder that is gone when its owner is done with it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder under the system's temporary folder, removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty folder. The name holds the process id, so that two tasks never share one.
    pub(crate) fn new(purpose: &str) -> Result<Self> {
        Self::new_in(&std::env::temp_dir(), purpose)
    }

    /// Makes an empty folder that is on a disk, where the usual one may be in memory.
    pub(crate) fn on_disk(purpose: &str) -> Result<Self> {
        // By the file hierarchy's standard it outlives a reboot.
        let disk = Path::new("/var/tmp");
        if disk.is_dir() { Self::new_in(disk, purpose) } else { Self::new(purpose) }
    }

    /// Makes an empty folder that is in memory, where the system has one.
    pub(crate) fn in_memory(purpose: &str) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::new_in(memory, purpose) } else { Self::new(purpose) }
    }

    fn new_in(folder: &Path, purpose: &str) -> Result<Self> {
        let path = folder.join(format!("waypost-{purpose}-{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| {
                format!("removing what an earlier run left in {}", path.display())
            })?;
        }
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Leaves the folder to somebody else, who removes it.
    pub(crate) fn hand_over(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // Nothing depends on it being gone, and the task's own outcome is what matters now.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
