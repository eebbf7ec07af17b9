//! Users that outlive the process: the ACL file, and what stops a start.

use crate::harness::Folder;
use crate::harness::server::Server;

const ACL_FILE: [&str; 2] = ["--aclfile", "users.acl"];

#[test]
fn users_of_the_acl_file_outlive_a_kill() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("users.acl"), "user alice on >pw ~* &* +@all\nuser default off\n").unwrap();
    let mut node = Server::ours_in(folder, &ACL_FILE);
    assert_eq!(node.text("GET k"), "NOAUTH Authentication required.");
    assert_eq!(node.text("AUTH alice pw"), "OK");
    assert_eq!(node.text("ACL SETUSER bob on >secret ~b* +@string"), "OK");
    assert_eq!(node.text("ACL SETUSER carol on nopass"), "OK");
    assert_eq!(node.text("ACL DELUSER carol"), "1");
    assert_eq!(node.text("ACL SAVE"), "OK");
    assert_eq!(node.text("ACL SETUSER dave"), "OK");
    let mut node = Server::ours_in(node.kill(), &ACL_FILE);
    assert_eq!(node.text("AUTH bob secret"), "OK");
    assert_eq!(node.text("SET bk v"), "OK");
    assert_eq!(node.text("SET k v"), "NOPERM No permissions to access a key");
    assert_eq!(node.text("AUTH alice pw"), "OK");
    assert_eq!(format!("{:?}", node.call("ACL USERS")).matches("Bulk").count(), 3, "alice, bob and default");
}

#[test]
fn a_broken_acl_file_stops_the_start() {
    let folder = Folder::new();
    let said = Server::ours_that_fails(&folder, &ACL_FILE);
    assert!(said.contains("opening file 'users.acl': No such file or directory"), "{said}");
    std::fs::write(folder.0.join("users.acl"), "user alice on >topsecret +@all ~* ~k\n").unwrap();
    let said = Server::ours_that_fails(&folder, &ACL_FILE);
    assert!(said.contains("users.acl:1: Adding a pattern after the * pattern"), "{said}");
    assert!(said.contains("Aborting startup because of ACL errors") && !said.contains("topsecret"), "{said}");
}
