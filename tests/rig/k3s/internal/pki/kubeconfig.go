package pki

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// WriteKubeconfig writes a kubeconfig for the server with the pair as its identity: as paths, or with everything inside the file
// where embed is set, as people want it.
func WriteKubeconfig(file string, mode os.FileMode, server, caFile string, pair Pair, embed bool) error {
	cluster, user := api.NewCluster(), api.NewAuthInfo()
	cluster.Server = server
	cluster.CertificateAuthority = caFile
	user.ClientCertificate, user.ClientKey = pair.Cert, pair.Key
	if embed {
		for path, into := range map[*string]*[]byte{
			&cluster.CertificateAuthority: &cluster.CertificateAuthorityData,
			&user.ClientCertificate:       &user.ClientCertificateData,
			&user.ClientKey:               &user.ClientKeyData,
		} {
			data, err := os.ReadFile(*path)
			if err != nil {
				return fmt.Errorf("kubeconfig %s: %w", file, err)
			}
			*path, *into = "", data
		}
	}
	context := api.NewContext()
	context.Cluster, context.AuthInfo = "default", "default"
	config := api.NewConfig()
	config.Clusters["default"], config.AuthInfos["default"], config.Contexts["default"] = cluster, user, context
	config.CurrentContext = "default"
	data, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("kubeconfig %s: %w", file, err)
	}
	return WriteFile(file, data, mode)
}

// WriteFile writes the file whole or not at all, with exactly this mode.
func WriteFile(file string, data []byte, mode os.FileMode) error {
	tmp := file + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Chmod(tmp, mode); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(tmp, file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
