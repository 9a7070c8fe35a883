package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strconv"
)

// A migration's file is `<number>_<what>.sql`: numbers go up by one from 0001, and what has been released never changes.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns what makes the schema, in order.
func migrations() []string {
	entries, err := migrationFiles.ReadDir("migrations") // sorted
	if err != nil {
		panic(err) // they are in the program
	}
	var all []string
	for _, e := range entries {
		text, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			panic(err)
		}
		all = append(all, string(text))
	}
	return all
}

// migrate brings the schema up to date, each step in a transaction with the number that it leads to.
func migrate(ctx context.Context, db *sql.DB, steps []string) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return failed("read schema version", err)
	}
	if version > len(steps) {
		return fmt.Errorf("has schema %d, and this program knows %d at most: run the version that made it, or a newer one", version, len(steps))
	}
	for i, step := range steps[version:] {
		if err := apply(ctx, db, step, version+i+1); err != nil {
			return failed(fmt.Sprintf("migrate to schema %d", version+i+1), err)
		}
	}
	return nil
}

func apply(ctx context.Context, db *sql.DB, step string, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, step)
	if err == nil {
		_, err = tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(version)) // takes no parameters
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
