//! A model that takes its time: it waits as many seconds as it is told, and says that it did.

use crate::connector::{Connector, good};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const PACKAGE: &str = r#"
format = "herleid-model/1"
id = "patience"
version = "1"
title = "Takes its time"
description = "Waits, and says that it did."
program = "patience.sh"
arguments = []
canonicalisation = "none"
uses_seed = false
[licence]
id = "EUPL-1.2"
program_in_dossier = true
[environment]
description = "Any shell."
packages = []
[limits]
wall_ms = 60000
[[parameters]]
name = "seconds"
title = "How long"
type = "integer"
minimum = 0
maximum = 60
default = 0
[[outputs]]
name = "result"
title = "Said"
file = "result.txt"
media_type = "text/plain"
"#;

const PROGRAM: &str = r#"#!/bin/sh
seconds=$(sed 's/.*"seconds":\([0-9]*\).*/\1/' job.json)
if [ "$seconds" = 13 ]; then echo "not on the thirteenth" >&2; exit 1; fi
sleep "$seconds"
echo "waited $seconds" > out/result.txt
"#;

/// The package and the program of a model that takes its time.
pub const MODEL: [&str; 2] = [PACKAGE, PROGRAM];

/// Lets `holder` publish the model `patience` of this package and program, whose files are put in `folder`.
pub fn publish(holder: &Connector, folder: &Path, [package, program]: [&str; 2]) {
    let path = |name: &str| folder.join(name);
    std::fs::write(path("model.toml"), package).unwrap();
    std::fs::write(path("patience.sh"), program).unwrap();
    std::fs::set_permissions(path("patience.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(
        path("offer.json"),
        r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#,
    )
    .unwrap();
    let (package, offer) = (path("model.toml"), path("offer.json"));
    let (package, offer) = (package.to_str().unwrap(), offer.to_str().unwrap());
    let model = [
        "publish", "--model", package, "--id", "patience", "--theme", "TECH", "--policy", offer,
    ];
    good(&holder.run(&model));
}
