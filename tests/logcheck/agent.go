package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Holds one fresh key for litewitness, which signs through an ssh-agent; prints the key's fingerprint once the socket is there.
func serveAgent(socket string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	keyring := agent.NewKeyring()
	if err := keyring.Add(agent.AddedKey{PrivateKey: key, Comment: "a witness of the tests"}); err != nil {
		return err
	}
	signers, err := keyring.Signers()
	if err != nil {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() {
		// Whoever started this has gone when its end of the pipe is closed.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println(ssh.FingerprintSHA256(signers[0].PublicKey()))
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			_ = agent.ServeAgent(keyring, connection)
		}()
	}
}

// Writes a log of which nothing was seen yet into the database of a litewitness, which made the tables when it started. Its own
// program for this, witnessctl, needs a module that not every mirror of Go modules has.
func makeKnown(database, origin, vkey string) (string, error) {
	connection, err := sqlite.OpenConn(database, sqlite.OpenReadWrite)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	empty, err := tlog.TreeHash(0, nil)
	if err != nil {
		return "", err
	}
	log := &sqlitex.ExecOptions{Args: []any{origin, empty.String()}}
	if err := sqlitex.Execute(connection, "INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", log); err != nil {
		return "", err
	}
	key := &sqlitex.ExecOptions{Args: []any{origin, vkey}}
	if err := sqlitex.Execute(connection, "INSERT INTO key (origin, key) VALUES (?, ?)", key); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is known", origin), nil
}
