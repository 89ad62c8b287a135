// Logcheck holds a log to what others' libraries make of it: golang.org/x/mod/sumdb/tlog and note read every record and prove every size;
// filippo.io/torchwood checks cosignatures and proof files. deploy/build/logcheck-tools.sh builds it, tests/tests/logcheck runs it.
package main

import (
	"fmt"
	"os"
)

const usage = `usage:
  logcheck tlog URL LOG-VKEY                       every record, every size, by golang.org/x/mod/sumdb
  logcheck cosigned URL LOG-VKEY WITNESS-VKEY      the checkpoint that is served, by filippo.io/torchwood
  logcheck proof FILE ENTRY-HEX LOG-VKEY [WITNESS-VKEY]   a c2sp.org/tlog-proof@v1 file, by filippo.io/torchwood
  logcheck known DATABASE ORIGIN LOG-VKEY          tells a litewitness of a log
  logcheck agent SOCKET                            an ssh-agent with one fresh key, for litewitness; ends with its standard input
`

func main() {
	arguments := os.Args[1:]
	say, err := "", error(nil)
	switch {
	case len(arguments) == 3 && arguments[0] == "tlog":
		say, err = checkTlog(arguments[1], arguments[2])
	case len(arguments) == 4 && arguments[0] == "cosigned":
		say, err = checkCosigned(arguments[1], arguments[2], arguments[3])
	case (len(arguments) == 4 || len(arguments) == 5) && arguments[0] == "proof":
		say, err = checkProof(arguments[1], arguments[2], arguments[3:])
	case len(arguments) == 4 && arguments[0] == "known":
		say, err = makeKnown(arguments[1], arguments[2], arguments[3])
	case len(arguments) == 2 && arguments[0] == "agent":
		err = serveAgent(arguments[1])
	default:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "logcheck: %v\n", err)
		os.Exit(1)
	}
	fmt.Println(say)
}
