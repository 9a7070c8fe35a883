package chaos

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// ledgerFolder is where the ledger lies on the node, below a folder of its city.
const ledgerFolder = "/var/lib/edge-arena/volumes/*/lobby"

// ReadLedger copies the ledger from the node, with what SQLite has written ahead, and counts its battles.
func ReadLedger(ctx context.Context, node Node) (held map[string]int, err error) {
	dir, err := os.MkdirTemp("", "arena-ledger-")
	if err != nil {
		return nil, fmt.Errorf("copy the ledger: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// The log first: what is moved from it into the database meanwhile is then there twice, which does no harm, and not missing.
	for _, name := range []string{"ledger.db-wal", "ledger.db"} {
		out, err := node.Exec(ctx, "sh", "-c", "base64 -w 0 "+ledgerFolder+"/"+name)
		if err != nil {
			return nil, fmt.Errorf("copy the ledger: %w", err)
		}
		content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(out))
		if err != nil {
			return nil, fmt.Errorf("copy the ledger: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("copy the ledger: %w", err)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "ledger.db"))
	if err != nil {
		return nil, fmt.Errorf("open the copy of the ledger: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var sound string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		return nil, fmt.Errorf("the copy of the ledger is not sound: %s: %w", sound, err)
	}
	rows, err := db.QueryContext(ctx, "SELECT battle, count(*) FROM battles GROUP BY battle")
	if err != nil {
		return nil, fmt.Errorf("count the ledger: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	held = map[string]int{}
	for rows.Next() {
		var battle []byte
		var n int
		if err := rows.Scan(&battle, &n); err != nil {
			return nil, fmt.Errorf("count the ledger: %w", err)
		}
		held[hex.EncodeToString(battle)] = n
	}
	return held, rows.Err()
}
