"""Azure's service tags, which stand for the addresses of a service in rules and routes.

The list: "Virtual network service tags", https://learn.microsoft.com/azure/virtual-network/service-tags-overview. Azure
refuses a name that is not among them: a slip such as VirtualNetworks lets nobody in.
"""

from __future__ import annotations

from trunkline_lab.azure.resources.kind import names

_TAGS = {
    name.lower()
    for name in names(
        "ActionGroup ApiManagement ApplicationInsightsAvailability AppConfiguration AppService AppServiceManagement "
        "AutonomousDevelopmentPlatform AzureActiveDirectory AzureActiveDirectoryDomainServices "
        "AzureAdvancedThreatProtection AzureArcInfrastructure AzureAttestation AzureBackup AzureBotService AzureCloud "
        "AzureCognitiveSearch AzureConnectors AzureContainerAppsService AzureContainerRegistry AzureCosmosDB "
        "AzureDatabricks AzureDataExplorerManagement AzureDataLake AzureDevSpaces AzureDeviceUpdate AzureDevOps "
        "AzureDigitalTwins AzureEventGrid AzureFrontDoor AzureHealthcareAPIs AzureInformationProtection AzureIoTHub "
        "AzureKeyVault AzureLoadBalancer AzureLoadTestingInstanceManagement AzureMachineLearning "
        "AzureMachineLearningInference AzureManagedGrafana AzureMonitor AzureOpenDatasets AzurePlatformDNS "
        "AzurePlatformIMDS AzurePlatformLKM AzureResourceManager AzureSentinel AzureSignalR AzureSiteRecovery "
        "AzureSphere AzureSpringCloud AzureStack AzureTrafficManager AzureUpdateDelivery AzureWebPubSub "
        "BatchNodeManagement ChaosStudio CognitiveServicesFrontend CognitiveServicesManagement DataFactory "
        "DataFactoryManagement Dynamics365ForMarketingEmail Dynamics365BusinessCentral EOPExternalPublishedIPs "
        "EventHub GatewayManager GenevaActions GuestAndHybridManagement HDInsight Internet KustoAnalytics LogicApps "
        "LogicAppsManagement M365ManagementActivityApi M365ManagementActivityApiWebhook Marketplace "
        "MicrosoftAzureFluidRelay MicrosoftCloudAppSecurity MicrosoftContainerRegistry MicrosoftDefenderForEndpoint "
        "MicrosoftPurviewPolicyDistribution OneDsCollector PowerBI PowerPlatformInfra PowerPlatformPlex "
        "PowerQueryOnline Scuba SerialConsole ServiceBus ServiceFabric Sql SqlManagement Storage StorageMover "
        "StorageSyncService VideoIndexer VirtualNetwork WindowsAdminCenter WindowsVirtualDesktop"
    )
}


def is_tag(value: object) -> bool:
    """Whether it names a service, or its part in a region ("Storage.WestEurope") or of a kind."""
    name, dot, part = str(value).lower().partition(".")
    return isinstance(value, str) and name in _TAGS and (not dot or part.isalnum())
