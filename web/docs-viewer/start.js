// Shows the contract. Nothing is asked of any other server, and requests are not sent from here.
SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#contract",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  supportedSubmitMethods: [],
  validatorUrl: null,
});
