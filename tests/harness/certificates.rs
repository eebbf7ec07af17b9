//! Certificates for a test, made by the `openssl` of the machine: a CA, what it signed, and a CA that signed nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// `None`, said loudly, where there is no openssl.
    pub fn make(name: &str) -> Option<Certificates> {
        if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            super::skip("a test of TLS", "no openssl on this machine");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("rcl-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made = Certificates { folder };
        made.authority("ca");
        made.authority("other-ca");
        made.signed("node", "subjectAltName=IP:127.0.0.1,DNS:localhost");
        made.signed("nameless", "keyUsage=digitalSignature");
        made.signed("client", "extendedKeyUsage=clientAuth");
        Some(made)
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn authority(&self, name: &str) {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        self.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            &format!("/CN=rcl test {name}"),
            "-keyout",
            &key,
            "-out",
            &certificate,
        ]);
    }

    fn signed(&self, name: &str, extension: &str) {
        let (key, request, certificate) =
            (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        self.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            &format!("/CN=rcl test {name}"),
            "-keyout",
            &key,
            "-out",
            &request,
        ]);
        let extensions = format!("{name}.ext");
        std::fs::write(self.folder.join(&extensions), format!("basicConstraints=CA:FALSE\n{extension}\n"))
            .unwrap();
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            &extensions,
            "-out",
            &certificate,
        ]);
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl").args(arguments).current_dir(&self.folder).output().unwrap();
        assert!(
            output.status.success(),
            "openssl {arguments:?}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
